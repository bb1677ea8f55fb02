# GDCM, a C++ library: codec.cc alone includes its headers.
dicom_CFLAGS := -isystem /usr/include/gdcm-3.0
dicom_LIBS   := -lgdcmMSFF -lgdcmDSED -lgdcmCommon -lz -lstdc++
