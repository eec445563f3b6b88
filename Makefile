# hvfleet.  `make help` lists the targets.
#
# The rooms and the libraries each one may use are written here once: a room is
# a static library of its folder's *.c, and a program or test links only its
# room and the rooms below it, so that an arrow pointing up does not link.

VERSION := 0.1.0
B ?= build
PREFIX ?= /usr/local
CC ?= cc

# ---- what the host needs -------------------------------------------------
# Debian's names; `make deps` installs what is missing, with sudo when not root.
PACKAGES := gcc libc6-dev libcrypt-dev pkg-config python3 openssl ca-certificates tzdata \
	libuv1-dev libcurl4-openssl-dev libssl-dev libsqlite3-dev libpq-dev libyaml-dev libexpat1-dev \
	libevtx-dev libbfio-dev libnanopb-dev nanopb protobuf-compiler python3-protobuf \
	libjansson-dev libzstd-dev zlib1g-dev libmicrohttpd-dev libgnutls28-dev libarchive-dev libjs-chart.js check

# ---- rooms, lowest first -------------------------------------------------
# USES_x: the rooms x may include.  PKGS_x: the libraries it brings.
ROOMS := base model plat config triage incidents report collectors store transport agent hub

USES_base :=
USES_model := base
USES_plat := model $(USES_model)
USES_config := model $(USES_model)
USES_triage := model $(USES_model)
USES_incidents := triage config model base
USES_report := incidents triage config model base
USES_collectors := triage config plat model base
USES_store := plat model base
USES_transport := store config plat model base
USES_agent := transport store collectors report incidents triage config plat model base
USES_hub := report incidents triage config plat model base

PKGS_base :=
PKGS_model := jansson
PKGS_plat = libuv $(if $(filter windows,$(SYSTEM)),,libcrypto)
PKGS_config := yaml-0.1
PKGS_triage :=
PKGS_incidents := jansson
PKGS_report := jansson
PKGS_collectors := expat libevtx libbfio zlib
PKGS_store := sqlite3 libuv
PKGS_transport := libcurl jansson libzstd zlib libuv
PKGS_agent := libarchive jansson
PKGS_hub := libcrypt libmicrohttpd gnutls libcurl sqlite3 libpq jansson libzstd zlib

# SYSTEM=windows cross-builds the agent; `make windows` says the rest.
SYSTEM ?= posix

# Sources of a room: its folder, and for plat the folder of this system too.
SRC_DIRS_plat := plat plat/$(if $(filter windows,$(SYSTEM)),win,posix)
src_dirs = $(or $(SRC_DIRS_$(1)),$(1))
# Saved .evtx files are read by libevtx, or by Windows itself.
NOT_ON_posix := collectors/event_file_system.c
NOT_ON_windows := collectors/event_evtx.c collectors/event_file_evtx.c
room_src = $(filter-out $(NOT_ON_$(SYSTEM)),$(sort $(wildcard $(addsuffix /*.c,$(call src_dirs,$(1))))))
room_obj = $(patsubst %.c,$(B)/%.o,$(filter-out %_main.c,$(room_src)))
room_lib = $(B)/lib/lib$(1).a

PROTOS := $(wildcard model/*.proto)
PROTO_C := $(PROTOS:%.proto=$(B)/gen/%.pb.c)
PROTO_O := $(PROTO_C:%.c=%.o)

# The dashboard's style sheet, scripts and chart library, embedded into the hub.
CHART_JS := /usr/share/javascript/chart.js/chart.min.js
WEB_FILES := $(wildcard hub/web/*.css hub/web/draw.js hub/web/*.svg)
WEB_C := $(B)/gen/hub/web_assets.c

# The crash rules, embedded into incidents/.
RULE_FILES := $(sort $(wildcard hub/rules/*.yaml))
RULES_C := $(B)/gen/incidents/rules_files.c

# ---- flags ---------------------------------------------------------------
WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wwrite-strings \
	-Wformat=2 -Wundef
# What not every machine or compiler has is asked for: control-flow protection is x86's.
cc_takes = $(foreach f,$(1),$(shell echo 'int x;' | $(CC) -Werror $f -x c -c -o /dev/null - 2>/dev/null && echo '$f'))
HARDEN := -fstack-protector-strong -fPIE -fno-strict-overflow $(call cc_takes,-fstack-clash-protection -fcf-protection)
OPT ?= -O2 -g
ifneq ($(findstring -O0,$(OPT)),-O0)
HARDEN += -D_FORTIFY_SOURCE=3
endif
ifdef SAN
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
HARDEN := -fPIE -fno-strict-overflow
ifeq ($(findstring clang,$(CC)),)
# The instrumentation hides ranges from gcc, which then warns of what can't be.
WARN += -Wno-format-truncation -Wno-maybe-uninitialized
endif
endif
# COVER=1 counts lines and branches (make coverage).
COVERAGE := $(if $(COVER),--coverage -Wno-maybe-uninitialized)
CPPFLAGS += -I. -I$(B)/gen -D_GNU_SOURCE -DHVFLEET_VERSION='"$(VERSION)"'
CFLAGS += -std=gnu11 $(OPT) $(WARN) $(HARDEN) $(SANITIZE) $(COVERAGE) -pthread
LDFLAGS += -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code -pthread $(SANITIZE) $(COVERAGE)

pkg_libs = $(if $(1),$(shell pkg-config --libs $(1) 2>/dev/null))
NANOPB_LIB := -lprotobuf-nanopb
EXE :=

ifeq ($(SYSTEM),windows)
include packaging/windows/windows.mk
endif

Q := $(if $(V),,@)
# Sub-makes use every core, unless the caller gave a -j of his own.
JOBS := $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))
SUBMAKE = $(MAKE) --no-print-directory $(JOBS)
say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)')

# ---- programs ------------------------------------------------------------
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all deps help clean check run

all: deps
	+$(Q)$(SUBMAKE) programs

.PHONY: programs
programs: $(B)/hvagent $(B)/hvhub

# link <target> <objects and rooms' libs> <rooms>
libs_of = $(foreach r,$(1),$(call room_lib,$(r)))
ldlibs_of = $(call pkg_libs,$(sort $(foreach r,$(1),$(PKGS_$(r))))) $(NANOPB_LIB) -lm

$(B)/hvagent: $(B)/agent/hvagent_main.o $(call libs_of,agent $(USES_agent))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(call libs_of,agent $(USES_agent)) $(call ldlibs_of,agent $(USES_agent))

$(B)/hvhub: $(B)/hub/hvhub_main.o $(call libs_of,hub $(USES_hub))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(call libs_of,hub $(USES_hub)) $(call ldlibs_of,hub $(USES_hub))

define room_rules
$(call room_lib,$(1)): $(call room_obj,$(1)) $(if $(filter model,$(1)),$(PROTO_O)) $(if $(filter hub,$(1)),$(WEB_C:.c=.o)) \
		$(if $(filter incidents,$(1)),$(RULES_C:.c=.o))
	$$(call say,AR,$$@)
	@mkdir -p $$(@D)
	$(Q)rm -f $$@ && ar rcsD $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rules,$(r))))

# Objects are made anew when the compiler or its flags change.
.PHONY: always
$(B)/flags: always
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS)' | cmp -s - $@ || echo '$(CC) $(CPPFLAGS) $(CFLAGS)' >$@

$(B)/%.o: %.c $(B)/flags | $(PROTO_C)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/gen/%.pb.o: $(B)/gen/%.pb.c $(B)/flags
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/gen/%.pb.c: %.proto $(wildcard model/*.options)
	$(call say,NANOPB,$<)
	@mkdir -p $(@D)
	$(Q)nanopb_generator.py --quiet -I . -D $(B)/gen $<

$(WEB_C): hub/web/embed $(WEB_FILES) $(CHART_JS)
	$(call say,EMBED,$@)
	@mkdir -p $(@D)
	$(Q)hub/web/embed $@ chart.js=$(CHART_JS) $(foreach f,$(WEB_FILES),$(notdir $f)=$f)

$(RULES_C): incidents/embed $(RULE_FILES)
	$(call say,EMBED,$@)
	@mkdir -p $(@D)
	$(Q)incidents/embed $@ $(RULE_FILES)

$(WEB_C:.c=.o) $(RULES_C:.c=.o): %.o: %.c $(B)/flags
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# ---- tests ---------------------------------------------------------------
# tests/<room>/test_*.c is one program each, linked with that room and the ones
# it may use; tests/<room>/support*.c is linked into each of them.
TESTS := $(foreach r,$(ROOMS),$(patsubst %.c,$(B)/%$(EXE),$(filter-out $(TESTS_NOT_HERE),$(sort $(wildcard tests/$(r)/test_*.c)))))
test_support = $(patsubst %.c,$(B)/%.o,$(wildcard tests/support/*.c tests/support/$(SYSTEM)/*.c tests/$(1)/support*.c))

define test_rules
$(B)/tests/$(1)/test_%$(EXE): $(B)/tests/$(1)/test_%.o $(call test_support,$(1)) $(call libs_of,$(1) $(USES_$(1)))
	$$(call say,LINK,$$@)
	$(Q)$(CC) $(LDFLAGS) -o $$@ $$(filter %.o,$$^) $(call libs_of,$(1) $(USES_$(1))) $$(call ldlibs_of,$(1) $(USES_$(1))) \
		$$(call pkg_libs,check)
endef
$(foreach r,$(ROOMS),$(eval $(call test_rules,$(r))))
$(B)/tests/transport/test_http_curl $(B)/tests/transport/test_http_curl_tls: $(B)/tests/transport/http_rig.o

# Scripts that look at the tree, and whole-program tests over the built programs.
TREE_TESTS := $(sort $(wildcard tests/tree_*))
SYSTEM_TESTS := $(sort $(wildcard tests/system/test_*))
# Counted instructions of the hot paths, as the benches drive them.
GUARDS := $(sort $(wildcard tests/guard_*))

.PHONY: tests check-programs check-asan check-valgrind check-clang check-web
tests: $(TESTS)

check: deps
	+$(Q)$(SUBMAKE) check-programs

check-programs: programs tests bench-programs sim-program
	$(Q)HVFLEET_BUILD=$(B) tests/run $(TESTS) $(SIM_TESTS) $(TORTURE_TESTS) $(TREE_TESTS) $(GUARDS) $(SYSTEM_TESTS)

# The same tests under the sanitizers, in a build of their own.
check-asan: deps
	+$(Q)$(SUBMAKE) B=$(B)/asan SAN=1 OPT='-O1 -g' asan-programs

.PHONY: asan-programs
asan-programs: programs tests sim-program
	$(Q)HVFLEET_BUILD=$(B) tests/run $(TESTS) $(SIM_TESTS) $(TORTURE_TESTS) $(SYSTEM_TESTS)

# Valgrind over the parts that own memory and descriptors (slow, so not all),
# and over both programs while events flow from end to end.
VALGRIND_TESTS := $(filter $(addprefix $(B)/tests/,base/% model/% config/% triage/% incidents/% collectors/% report/%),$(TESTS))
check-valgrind: deps
	$(Q)command -v valgrind >/dev/null || { echo 'valgrind is not installed: apt-get install valgrind' >&2; exit 1; }
	+$(Q)$(SUBMAKE) valgrind-programs
.PHONY: valgrind-programs
valgrind-programs: programs tests
	$(Q)tests/run -w tests/under_valgrind $(VALGRIND_TESTS)
	$(Q)mkdir -p $(B)/valgrind
	$(Q)for p in hvagent hvhub; do \
		printf '#!/bin/sh\nexec tests/under_valgrind %s "$$@"\n' $(B)/$$p >$(B)/valgrind/$$p && chmod +x $(B)/valgrind/$$p; \
	done
	$(Q)HVFLEET_BUILD=$(B)/valgrind HVFLEET_KILL_EVENTS=2000 HVFLEET_KILLS=0 tests/run tests/system/test_kill

# What the unit tests reach, as a table of rooms; tests/coverage says how it counts.
COVER_ROOMS ?= $(ROOMS)
.PHONY: coverage coverage-programs
coverage: deps
	+$(Q)$(SUBMAKE) B=$(B)/coverage COVER=1 OPT='-O0 -g' coverage-programs
coverage-programs: tests torture-program
	$(Q)find $(B) -name '*.gcda' -delete
	$(Q)HVFLEET_BUILD=$(B) tests/run $(TESTS) $(TORTURE_TESTS) >$(B)/coverage.log || { tail -n 20 $(B)/coverage.log; exit 1; }
	$(Q)tests/coverage $(B) $(COVER_ROOMS)

# Everything compiles without a warning with clang too.
check-clang: deps
	$(Q)command -v clang >/dev/null || { echo 'clang is not installed: apt-get install clang' >&2; exit 1; }
	+$(Q)$(SUBMAKE) B=$(B)/clang CC=clang programs tests

# The dashboard in headless Chromium; screenshots are left in $(B)/web/shots.
check-web: deps
	$(Q)packaging/install-packages chromium
	$(Q)command -v node >/dev/null && command -v npm >/dev/null || packaging/install-packages nodejs npm
	+$(Q)$(SUBMAKE) programs $(B)/tests/web/make_past
	$(Q)HVFLEET_BUILD=$(B) tests/run tests/web/test_dashboard
$(B)/tests/web/make_past: $(B)/tests/web/make_past.o $(call libs_of,hub $(USES_hub))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(call libs_of,hub $(USES_hub)) $(call ldlibs_of,hub $(USES_hub))

# ---- run -----------------------------------------------------------------
# The whole way over the bundles in examples/, or over BUNDLE=path.
run: all
	$(Q)B=$(B) BUNDLE='$(BUNDLE)' examples/run

# ---- fuzzing -------------------------------------------------------------
# `make fuzz` runs every target of fuzz/ for FUZZ_SECONDS; `make fuzz-programs`
# builds them.  The corpus of a target is fuzz/corpus/<target>/, where there is one.
FUZZ_SECONDS ?= 60
FUZZ_SRC := $(sort $(wildcard fuzz/fuzz_*.c))
FUZZERS := $(patsubst fuzz/%.c,$(B)/fuzz/%,$(FUZZ_SRC))
.PHONY: fuzz fuzz-programs fuzz-run
fuzz: deps
	$(Q)command -v clang >/dev/null || { echo 'fuzzing needs clang: apt-get install clang libclang-rt-14-dev' >&2; exit 1; }
	+$(Q)$(SUBMAKE) B=$(B)/fuzz-build CC=clang SAN=1 OPT='-O1 -g -fsanitize=fuzzer-no-link' fuzz-run
fuzz-programs: $(FUZZERS)
fuzz-run: fuzz-programs
	$(Q)fuzz/run $(FUZZ_SECONDS) $(B)/fuzz $(FUZZERS)
$(B)/fuzz/fuzz_%: $(B)/fuzz/fuzz_%.o $(call libs_of,hub agent $(USES_agent))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $< -Wl,--start-group $(call libs_of,hub agent $(USES_agent)) -Wl,--end-group \
		$(call ldlibs_of,hub agent $(USES_agent))

# ---- simulation ----------------------------------------------------------
# `make sim` runs SIM_SEEDS seeds of the simulated fleet, SIM_JOBS at a time; sim-nightly a million from a seed that
# the date gives (SIM_FIRST=n: from there).  tests/sim/sim.h says what a seed is.
SIM_SEEDS ?= 10000
SIM_JOBS ?= $(shell nproc)
SIM_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/sim/sim*.c tests/support/posix/*.c))
SIM_TESTS := $(patsubst %.c,$(B)/%,$(wildcard tests/sim/test_*.c))
.PHONY: sim sim-nightly sim-program torture
sim sim-nightly: deps
	+$(Q)$(SUBMAKE) sim-program
	$(Q)$(B)/tests/sim/sim -j $(SIM_JOBS) -f $(SIM_FIRST) -n $(SIM_SEEDS)
sim: SIM_FIRST ?= 1
sim-nightly: SIM_FIRST ?= $(shell date -u +%Y%m%d0000000)
sim-nightly: SIM_SEEDS = 1000000
sim-program: $(B)/tests/sim/sim $(SIM_TESTS) torture-program differential-program
$(B)/tests/sim/sim: $(SIM_OBJ) $(call libs_of,hub agent $(USES_agent))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(SIM_OBJ) -Wl,--start-group $(call libs_of,hub agent $(USES_agent)) -Wl,--end-group \
		$(call ldlibs_of,hub agent $(USES_agent))

$(B)/tests/sim/test_%: $(B)/tests/sim/test_%.o $(B)/tests/sim/sim_disk.o $(call test_support,sim) \
		$(call libs_of,hub $(USES_hub))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(call libs_of,hub $(USES_hub)) $(call ldlibs_of,hub $(USES_hub)) \
		$(call pkg_libs,check)

# Allocations and system calls that fail, each once and for good (tests/torture/failing.h).
TORTURE_TESTS := $(patsubst %.c,$(B)/%,$(wildcard tests/torture/test_*.c))
.PHONY: torture-program
torture-program: $(TORTURE_TESTS)
TORTURE_OBJ := $(B)/tests/torture/failing.o $(B)/tests/torture/way.o
$(B)/tests/torture/test_%: $(B)/tests/torture/test_%.o $(TORTURE_OBJ) $(call test_support,torture) \
		$(call libs_of,hub agent $(USES_agent))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(call libs_of,hub agent $(USES_agent)) -Wl,--end-group \
		$(call ldlibs_of,hub agent $(USES_agent)) $(call pkg_libs,check)
$(B)/tests/torture/test_parts: $(B)/tests/report/support_report.o $(B)/tests/report/support_incident.o
$(B)/tests/torture/test_collectors: $(addprefix $(B)/tests/collectors/support_,disk.o dumps.o evtx.o fake_files.o kvp.o setup.o)
$(B)/tests/torture/test_incidents_report: $(B)/tests/hub/support_incidents.o $(B)/tests/hub/support_fleet.o \
		$(B)/tests/hub/support_postgres.o

# What fails below both stores, and between them: disk calls, allocations, system calls, power lost, bits turned.
TORTURE_ROUNDS ?= 3000
TORTURE := $(addprefix $(B)/tests/,store/test_faults store/test_recovery store/test_kill hub/test_crash) $(SIM_TESTS) \
	$(TORTURE_TESTS)
torture: deps
	+$(Q)$(SUBMAKE) $(TORTURE)
	$(Q)HVFLEET_BUILD=$(B) HVFLEET_TORTURE=$(TORTURE_ROUNDS) CK_TIMEOUT_MULTIPLIER=100 tests/run $(TORTURE)

# What tests/system/test_differential_events compares with others.
.PHONY: differential-program
differential-program: $(B)/tests/differential/events
$(B)/tests/differential/events: $(B)/tests/differential/events.o $(call libs_of,collectors $(USES_collectors))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(call libs_of,collectors $(USES_collectors)) $(call ldlibs_of,collectors $(USES_collectors)) \
		$(call pkg_libs,jansson)

# Load, kills and reloads for SOAK_SECONDS; memory, descriptors and stores must not grow with time.
SOAK_SECONDS ?= 3600
SOAK_RATE ?= 50
.PHONY: soak
soak: deps
	+$(Q)$(SUBMAKE) programs
	$(Q)HVFLEET_BUILD=$(B) HVFLEET_SOAK_SECONDS=$(SOAK_SECONDS) HVFLEET_SOAK_RATE=$(SOAK_RATE) tests/system/test_soak

# Killed at random moments, agent and hub KILLS times each, while KILL_EVENTS events flow: KILL_TRIALS times.
KILL_TRIALS ?= 100
KILL_EVENTS ?= 500000
KILLS ?= 3
.PHONY: kill-trials
kill-trials: deps
	+$(Q)$(SUBMAKE) programs
	$(Q)HVFLEET_BUILD=$(B) HVFLEET_KILL_EVENTS=$(KILL_EVENTS) HVFLEET_KILLS=$(KILLS) tests/kill_trials $(KILL_TRIALS)

# ---- benches -------------------------------------------------------------
# `make bench` measures and prints one table; BENCH_RUNS=n: medians of n runs; BENCH_SYSTEM_RUNS=n: of the
# whole programs and of those beside them, which are Debian's packages and left out where they can not be had.
BENCH_RUNS ?= 3
BENCH_SYSTEM_RUNS ?= 2
BENCH_PEERS := rsyslog rsyslog-gnutls collectd-core prometheus-node-exporter libevtx-utils postgresql
BENCHES := $(patsubst bench/%.c,$(B)/bench/%,$(sort $(wildcard bench/bench_*.c)))
.PHONY: bench bench-programs
bench: deps
	+$(Q)$(SUBMAKE) bench-programs
	$(Q)packaging/install-packages $(BENCH_PEERS) || echo 'not all peers could be installed; those are left out' >&2
	$(Q)HVFLEET_BUILD=$(B) bench/run $(B) $(BENCH_RUNS) $(BENCH_SYSTEM_RUNS)
bench-programs: $(B)/hvagent $(B)/hvhub $(BENCHES)
$(B)/bench/bench_fleet: $(B)/bench/bench_fleet.o $(B)/bench/fleet_load.o $(call libs_of,hub $(USES_hub))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(call libs_of,hub $(USES_hub)) $(call ldlibs_of,hub $(USES_hub))
$(B)/bench/bench_ingest: $(B)/bench/bench_ingest.o $(call libs_of,hub $(USES_hub))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(call libs_of,hub $(USES_hub)) $(call ldlibs_of,hub $(USES_hub))
$(B)/bench/bench_%: $(B)/bench/bench_%.o $(call libs_of,agent $(USES_agent))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(call libs_of,agent $(USES_agent)) $(call ldlibs_of,agent $(USES_agent))

# ---- Windows -------------------------------------------------------------
# The agent for Windows, cross-built; packaging/windows/windows.mk says how.
# WINDEPS=dir uses libraries that build-deps has put there before.
WIN_PACKAGES := gcc-mingw-w64-x86-64-posix g++-mingw-w64-x86-64-posix binutils-mingw-w64-x86-64 mingw-w64-tools \
	cmake dpkg-dev tcl
MSI_PACKAGES := wixl msitools
WINDOWS_BUILD := $(B)/windows
.PHONY: windows check-windows windows-deps
windows-deps: deps
	$(Q)packaging/install-packages $(WIN_PACKAGES)
	$(if $(WINDEPS),,$(Q)packaging/windows/build-deps $(WINDOWS_BUILD)/deps)

windows: windows-deps
	+$(Q)$(SUBMAKE) SYSTEM=windows B=$(WINDOWS_BUILD) \
		WINDEPS=$(or $(WINDEPS),$(WINDOWS_BUILD)/deps) windows-programs

ifeq ($(SYSTEM),windows)
include packaging/windows/programs.mk
endif

# Under Wine, its 64-bit half alone: what tests/win/run lists.
CHECK_WINDOWS_PACKAGES := wine wine64 $(MSI_PACKAGES) osslsigncode
check-windows: windows
	$(Q)packaging/install-packages $(CHECK_WINDOWS_PACKAGES)
	+$(Q)$(SUBMAKE) programs
	+$(Q)$(SUBMAKE) SYSTEM=windows B=$(WINDOWS_BUILD) \
		WINDEPS=$(or $(WINDEPS),$(WINDOWS_BUILD)/deps) windows-tests
	$(Q)tests/win/run $(WINDOWS_BUILD)

# The installer, and the program and installer signed (CERT and KEY, or PFX: packaging/windows/msi/sign
# says the rest).
SIGN := packaging/windows/msi/sign
.PHONY: msi sign
msi: windows
	$(Q)packaging/install-packages $(MSI_PACKAGES)
	$(call say,MSI,$(WINDOWS_BUILD)/hvagent.msi)
	$(Q)packaging/windows/msi/build $(VERSION) $(WINDOWS_BUILD)/hvagent.exe $(WINDOWS_BUILD)/hvagent.msi

export CERT KEY PFX PASSFILE TIMESTAMP
sign:
	$(Q)$(SIGN) --check
	$(Q)packaging/install-packages osslsigncode
	+$(Q)$(MAKE) --no-print-directory msi
	$(Q)$(SIGN) $(WINDOWS_BUILD)/hvagent.exe
	$(Q)packaging/windows/msi/build $(VERSION) $(WINDOWS_BUILD)/hvagent.exe $(WINDOWS_BUILD)/hvagent.msi
	$(Q)$(SIGN) $(WINDOWS_BUILD)/hvagent.msi

# ---- Debian packages and the container image -----------------------------
# hvhub_VERSION_ARCH.deb and hvagent_VERSION_ARCH.deb in $(B)/deb.  check-deb installs, upgrades and removes them in
# a copy of this system that lasts as long as the test.
DEB_PACKAGES := dpkg-dev binutils xz-utils
.PHONY: deb check-deb oci check-ha
deb: all
	$(Q)packaging/install-packages $(DEB_PACKAGES)
	$(call say,DEB,$(B)/deb)
	$(Q)packaging/debian/build $(VERSION) $(B) $(B)/deb

check-deb: deb
	$(Q)packaging/install-packages lintian
	$(Q)HVFLEET_BUILD=$(B) tests/run tests/deb/test_deb

# The hub's image, with podman, buildah or docker, whichever is there (packaging/oci/build says more).
oci:
	$(Q)packaging/oci/build $(VERSION)

# Two hubs, HAProxy, PostgreSQL under Patroni, and each of them killed under load.
HA_PACKAGES := haproxy patroni etcd-server python3-etcd postgresql
check-ha: deps
	$(Q)packaging/install-packages $(HA_PACKAGES)
	+$(Q)$(SUBMAKE) programs
	$(Q)HVFLEET_BUILD=$(B) tests/run tests/ha/test_ha

# ---- packages ------------------------------------------------------------
deps:
	$(Q)packaging/install-packages $(PACKAGES)

.PHONY: print-uses
print-uses:
	@echo $(USES_$(ROOM))

help:
	@echo 'make               build hvagent and hvhub into $(B)/'
	@echo 'make run           a hub and agents over the example bundles (BUNDLE=path: over yours)'
	@echo 'make check         all tests; check-asan, check-valgrind, check-clang: under those'
	@echo 'make check-web     the dashboard in headless Chromium'
	@echo 'make fuzz          every fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS) each'
	@echo 'make sim           SIM_SEEDS=$(SIM_SEEDS) seeds of the simulated fleet; sim-nightly: a million'
	@echo 'make torture       faults below both stores: disk, memory, power, bits'
	@echo 'make soak          load, kills and reloads for SOAK_SECONDS=$(SOAK_SECONDS); nothing may grow'
	@echo 'make kill-trials   $(KILL_TRIALS) runs of $(KILL_EVENTS) events with kills of agent and hub, none missing, none twice'
	@echo 'make coverage      what the unit tests reach of each room, lines and branches'
	@echo 'make bench         what it costs, as one table: medians of BENCH_RUNS=$(BENCH_RUNS) runs'
	@echo 'make windows       hvagent.exe into $(B)/windows/; check-windows: its tests, under Wine'
	@echo 'make msi           its installer, hvagent.msi; sign: the same signed (CERT= KEY=, or PFX=)'
	@echo 'make deb           Debian packages of both into $(B)/deb/; check-deb: installs and removes them'
	@echo 'make oci           the hub as a container image'
	@echo 'make check-ha      hubs, HAProxy and PostgreSQL under Patroni, killed under load'
	@echo 'make install       programs, man pages and examples below PREFIX=$(PREFIX) (DESTDIR honoured)'
	@echo 'make clean         remove $(B)/'
	@echo 'V=1 shows commands; SAN=1 builds with ASan and UBSan; CC=clang; B=dir builds elsewhere'

.PHONY: install
install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/doc/hvfleet
	install -m 755 $(B)/hvagent $(B)/hvhub $(DESTDIR)$(PREFIX)/sbin
	install -m 644 docs/man/hvagent.1 docs/man/hvhub.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 README.md agent.yaml.example hub.yaml.example packaging/prometheus/hvfleet-alerts.yml \
		packaging/grafana/hvfleet.json $(DESTDIR)$(PREFIX)/share/doc/hvfleet

# Of our own objects alone: the libraries' sources below windows/deps have files
# named *.d too, which are no makefiles.
DEPFILES := $(shell find $(addprefix $(B)/,$(ROOMS) gen tests bench fuzz) -name '*.d' -type f 2>/dev/null)
-include $(DEPFILES)

clean:
	rm -rf $(B)
