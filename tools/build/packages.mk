# The libraries Ward links and how their headers are found. One library, one folder: tools/layers.
PKGS   := grpc gpr libnghttp2 libprotobuf-c libuv libmariadb libturbojpeg libpng libssl libcrypto yajl p11-kit-1
# pkg-config walks all of gRPC's dependencies and takes half a second a question: its answers are
# kept beside the build, and asked for again when this file or a package's own changes.
PKG_LIBS = $(PKG_FOUND) -lnng -lhttp_parser -lcsv -lunistring -lseccomp -lm -ldl -lpthread
-include $(BUILD)/packages.found.mk
$(BUILD)/packages.found.mk: tools/build/packages.mk $(wildcard /usr/lib/*/pkgconfig/grpc.pc /usr/lib/*/pkgconfig/yajl.pc)
	@mkdir -p $(@D)
	@pkg-config --exists $(PKGS) 2>/dev/null && { \
		echo "PKG_CFLAGS := $$(pkg-config --cflags $(PKGS) | sed 's/-I/-isystem /g')"; \
		echo "PKG_FOUND := $$(pkg-config --libs $(PKGS))"; \
		echo "GRPC_A := $$(pkg-config --libs --static grpc gpr | tr ' ' '\n' \
			| grep -E '^-l(grpc|gpr|upb|address_sorting|re2|cares|absl_.*)$$' | awk '!seen[$$0]++' | tr '\n' ' ')"; \
	} >$@.new && mv $@.new $@
# Services and wardctl take gRPC and what it stands on from archives: 60 shared objects fewer to load, which is
# half of the time a program takes to start. What they leave open comes from the shared libraries after them.
# A sanitizer's build takes the shared ones, as tests do: they link in a tenth of the time.
PROGRAM_LIBS = $(if $(SAN),,-Wl,-Bstatic -Wl$(,)--start-group $(GRPC_A) -Wl$(,)--end-group -Wl$(,)-Bdynamic -lstdc++ -lssl -lcrypto -lz) $(PKG_LIBS)

WARN   := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror
CPPFLAGS_WARD := -I. -Iplugins/include -isystem $(G) -D_GNU_SOURCE
# Sanitizers make gcc guess at sizes it can otherwise see: its guesses are no errors there.
# Against an overflow that becomes control: checked library calls, guarded stacks, marked branch targets (only some processors have them).
HARDEN := $(if $(SAN)$(filter -O0,$(OPT)),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong -fstack-clash-protection \
          $(shell $(CC) -fcf-protection=full -E -x c /dev/null >/dev/null 2>&1 && echo -fcf-protection=full)
CFLAGS_WARD   := -std=c11 $(OPT) -g -fno-omit-frame-pointer $(HARDEN) $(WARN) $(SAN) $(if $(SAN),-Wno-error)
LDFLAGS_WARD  := -Wl,--as-needed -Wl,-z,relro,-z,now $(SAN)
