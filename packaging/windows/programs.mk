# The programs and tests of the Windows build; included by the Makefile when
# SYSTEM=windows, once the rooms are known.

# ---- the program: linked, then its debug information put beside it ----
.PHONY: windows-programs
windows-programs: $(B)/hvagent.exe
$(B)/hvagent.exe: $(B)/agent/hvagent_main.o $(B)/packaging/windows/hvagent.res.o $(call libs_of,agent $(USES_agent))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -municode -Wl,--wrap=fopen -o $@ $(filter %.o,$^) $(call libs_of,agent $(USES_agent)) $(call ldlibs_of,agent)
	$(Q)$(WIN_HOST)-objcopy --only-keep-debug $@ $@.debug
	$(Q)$(WIN_HOST)-strip --strip-all $@
	$(Q)cd $(@D) && $(WIN_HOST)-objcopy --add-gnu-debuglink=$(@F).debug $(@F)

# ---- tests: those of the rooms, and tests/win/test_*.c of what only this system has ----
WIN_TESTS := $(patsubst %.c,$(B)/%.exe,$(sort $(wildcard tests/win/test_*.c)))
.PHONY: windows-tests
windows-tests: windows-programs $(TESTS) $(WIN_TESTS)

# Check's own printf is the C library's.
$(B)/tests/%.o: CPPFLAGS += -include tests/support/windows/posix_names.h
$(B)/tests/%.o: CFLAGS += -Wno-format -Wno-format-extra-args

$(B)/tests/win/test_%.exe: $(B)/tests/win/test_%.o $(call test_support,win) $(call libs_of,agent $(USES_agent))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(call libs_of,agent $(USES_agent)) $(call pkg_libs,check) \
		$(call ldlibs_of,agent)
