# The programs and tests of the Windows build; included by the Makefile when
# SYSTEM=windows, once the rooms are known.

# ---- the program: linked, then its debug information put beside it ----
.PHONY: windows-programs
windows-programs: $(B)/hvagent.exe
$(B)/hvagent.exe: $(B)/agent/hvagent_main.o $(B)/packaging/windows/hvagent.res.o $(call libs_of,agent $(USES_agent))
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -municode -o $@ $(filter %.o,$^) $(call libs_of,agent $(USES_agent)) $(call ldlibs_of,agent)
	$(Q)$(WIN_HOST)-objcopy --only-keep-debug $@ $@.debug
	$(Q)$(WIN_HOST)-strip --strip-all $@
	$(Q)cd $(@D) && $(WIN_HOST)-objcopy --add-gnu-debuglink=$(@F).debug $(@F)

.PHONY: windows-tests
windows-tests: windows-programs $(TESTS)
