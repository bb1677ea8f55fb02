# The libraries Ward links and how their headers are found. One library, one folder: tools/layers.
PKGS   := grpc gpr libprotobuf-c libuv libmariadb libturbojpeg libpng librhonabwy libssl libcrypto jansson gnutls yajl
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null | sed 's/-I/-isystem /g')
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lnng -lhttp_parser -lm -ldl -lpthread

WARN   := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror
CPPFLAGS_WARD := -I. -Iplugins/include -isystem $(G) -D_GNU_SOURCE
CFLAGS_WARD   := -std=c11 $(OPT) -g -fno-omit-frame-pointer -fstack-protector-strong $(WARN) $(SAN)
LDFLAGS_WARD  := -Wl,--as-needed -Wl,-z,relro,-z,now $(SAN)
