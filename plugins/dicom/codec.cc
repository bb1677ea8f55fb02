// The only user of GDCM's headers.
#include "codec.h"

#include <gdcmBitmap.h>
#include <gdcmFragment.h>
#include <gdcmSequenceOfFragments.h>
#include <gdcmTrace.h>
#include <gdcmVersion.h>

#include <exception>

namespace
{

// Disables GDCM's messages, which go to standard output and standard error.
struct Quiet {
    Quiet()
    {
        gdcm::Trace::DebugOff();
        gdcm::Trace::WarningOff();
        gdcm::Trace::ErrorOff();
    }
};
const Quiet quiet;

bool decode(const dicom_codec *c, uint8_t *out, size_t n)
{
    gdcm::SmartPointer<gdcm::SequenceOfFragments> fragments = new gdcm::SequenceOfFragments;
    gdcm::Fragment fragment;
    gdcm::DataElement pixels(gdcm::Tag(0x7fe0, 0x0010));
    gdcm::Bitmap picture;

    fragment.SetByteValue(reinterpret_cast<const char *>(c->data), static_cast<uint32_t>(c->n));
    fragments->AddFragment(fragment);
    pixels.SetVR(gdcm::VR::OB);
    pixels.SetValue(*fragments);

    picture.SetNumberOfDimensions(2);
    picture.SetColumns(c->columns);
    picture.SetRows(c->rows);
    picture.SetPixelFormat(gdcm::PixelFormat(
        static_cast<unsigned short>(c->samples), static_cast<unsigned short>(c->allocated),
        static_cast<unsigned short>(c->bits), static_cast<unsigned short>(c->bits - 1),
        static_cast<unsigned short>(c->is_signed)));
    picture.SetPlanarConfiguration(0);
    picture.SetPhotometricInterpretation(gdcm::PhotometricInterpretation(
        gdcm::PhotometricInterpretation::GetPIType(c->photometric)));
    picture.SetTransferSyntax(
        gdcm::TransferSyntax(gdcm::TransferSyntax::GetTSType(c->transfer_syntax)));
    picture.SetDataElement(pixels);
    return picture.GetBufferLength() == n && picture.GetBuffer(reinterpret_cast<char *>(out)) &&
           picture.GetPlanarConfiguration() == 0;
}

} // namespace

bool dicom_codec_decode(const dicom_codec *c, uint8_t *out, size_t n, const char **words)
{
    try {
        if (decode(c, out, n))
            return true;
        *words = "the compressed frame cannot be decoded";
    } catch (const std::bad_alloc &) {
        *words = "no memory to decode the frame";
    } catch (...) {
        *words = "the compressed frame cannot be decoded";
    }
    return false;
}

const char *dicom_codec_version(void)
{
    return gdcm::Version::GetVersion();
}
