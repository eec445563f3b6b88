# The Windows build: what differs from the build for the system one sits at.
# Included by the Makefile when SYSTEM=windows.  WINDEPS is where build-deps
# has put the libraries.  Only the agent is built.

WINDEPS ?= build/windows/deps
WIN_HOST := x86_64-w64-mingw32
CC := $(WIN_HOST)-gcc-posix
EXE := .exe
ROOMS := $(filter-out hub,$(ROOMS))

# Windows 7 and 2008 R2 are the oldest hosts.
CPPFLAGS += -isystem $(WINDEPS)/include -D_WIN32_WINNT=0x0601 -DWINVER=0x0601 -DUNICODE -D_UNICODE \
	-D__USE_MINGW_ANSI_STDIO=1 -DPRINTF_KIND=gnu_printf -include plat/win/missing.h \
	-DCURL_STATICLIB -DXML_STATIC -DYAML_DECLARE_STATIC -DLIBARCHIVE_STATIC
HARDEN := -fstack-protector-strong -fno-strict-overflow -ffunction-sections
OPT := -Os -g
LDFLAGS = -static -fstack-protector-strong -L$(WINDEPS)/lib -Wl,--gc-sections,--exclude-all-symbols -Wl,--dynamicbase,--nxcompat,--high-entropy-va

# In the order in which the linker needs them.
WIN_LIBS := -larchive -lcurl -lsqlite3 -lyaml -lexpat -ljansson -lzstd -lz -luv_a \
	-lwbemuuid -lole32 -loleaut32 -luuid -lws2_32 -lsecur32 -lcrypt32 -lncrypt -lbcrypt -ladvapi32 -lpsapi -liphlpapi \
	-luserenv -luser32 -lshell32 -lnetapi32 -ldbghelp -lversion
# Check brings a clock_gettime of its own, which knows no CLOCK_REALTIME.
pkg_libs = $(if $(filter check,$(1)),-lwinpthread -lcheck) $(if $(filter-out check,$(1)),$(WIN_LIBS))

# ---- resources: event texts, manifest, version ----
WIN_GEN := $(B)/gen/plat/win
VERSION_COMMAS := $(shell echo '$(VERSION)' | tr . ,),0
$(B)/plat/win/event_report.o: $(WIN_GEN)/messages.h
$(WIN_GEN)/messages.h: packaging/windows/messages.mc
	$(call say,WINDMC,$<)
	@mkdir -p $(@D)
	$(Q)$(WIN_HOST)-windmc -h $(@D) -r $(@D) $<
$(WIN_GEN)/hvagent.manifest: packaging/windows/hvagent.manifest Makefile
	@mkdir -p $(@D)
	$(Q)sed 's/@QUAD@/$(VERSION).0/' $< >$@
$(B)/packaging/windows/hvagent.res.o: packaging/windows/hvagent.rc $(WIN_GEN)/messages.h $(WIN_GEN)/hvagent.manifest
	$(call say,WINDRES,$<)
	@mkdir -p $(@D)
	$(Q)$(WIN_HOST)-windres -I $(WIN_GEN) -DHVFLEET_COMMAS=$(VERSION_COMMAS) '-DHVFLEET_TEXT=\"$(VERSION)\"' $< $@

# ---- tests that are about POSIX alone: descriptors, modes, forks, sockets, libevtx; what they
# are about is tested by tests/win on this system ----
TESTS_NOT_HERE := $(addprefix tests/,plat/test_files.c plat/test_local_socket.c plat/test_paths.c plat/test_pkcs10.c plat/test_trust.c \
	collectors/test_event_file_evtx.c collectors/test_dumps_once.c store/test_kill.c \
	transport/test_http_curl.c transport/test_http_curl_tls.c transport/test_http_get.c agent/test_command_line.c agent/test_enrolment.c agent/test_examples.c agent/test_settings_trust.c agent/test_status_server.c agent/test_replay_dumps.c)
