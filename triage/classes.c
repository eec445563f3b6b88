/* See classes.h. */
#include "triage/classes.h"

#include "base/text.h"

#include <string.h>

/* A name that ends in '*' stands for all that begin like it. */
static const struct {
    const char *name;
    enum module_class class;
} classes[] = {
    { "ntoskrnl.exe", CLASS_CORE },
    { "ntkrnlmp.exe", CLASS_CORE },
    { "ntkrnlpa.exe", CLASS_CORE },
    { "ntkrpamp.exe", CLASS_CORE },
    { "ntkrla57.exe", CLASS_CORE },
    { "hal.dll", CLASS_CORE },
    { "halmacpi.dll", CLASS_CORE },
    { "halacpi.dll", CLASS_CORE },
    { "kd.dll", CLASS_CORE },
    { "kdcom.dll", CLASS_CORE },
    { "kdnic.sys", CLASS_CORE },
    { "kd_*", CLASS_CORE },
    { "ci.dll", CLASS_CORE },
    { "clfs.sys", CLASS_CORE },
    { "tm.sys", CLASS_CORE },
    { "pshed.dll", CLASS_CORE },
    { "bootvid.dll", CLASS_CORE },
    { "mcupdate*", CLASS_CORE },
    { "hvax64.exe", CLASS_CORE },
    { "hvix64.exe", CLASS_CORE },
    { "hvaa64.exe", CLASS_CORE },
    { "securekernel.exe", CLASS_CORE },
    { "symcryptk.dll", CLASS_CORE },
    { "ntosext.sys", CLASS_CORE },
    { "werkernel.sys", CLASS_CORE },
    { "crashdmp.sys", CLASS_CORE },
    { "dump_*", CLASS_CORE },
    { "hiber_*", CLASS_CORE },
    { "wdf01000.sys", CLASS_FRAMEWORK },
    { "wdfldr.sys", CLASS_FRAMEWORK },
    { "ndis.sys", CLASS_FRAMEWORK },
    { "netadaptercx.sys", CLASS_FRAMEWORK },
    { "nwifi.sys", CLASS_FRAMEWORK },
    { "wdiwifi.sys", CLASS_FRAMEWORK },
    { "storport.sys", CLASS_FRAMEWORK },
    { "scsiport.sys", CLASS_FRAMEWORK },
    { "ataport.sys", CLASS_FRAMEWORK },
    { "classpnp.sys", CLASS_FRAMEWORK },
    { "fltmgr.sys", CLASS_FRAMEWORK },
    { "ks.sys", CLASS_FRAMEWORK },
    { "ksthunk.sys", CLASS_FRAMEWORK },
    { "portcls.sys", CLASS_FRAMEWORK },
    { "hidclass.sys", CLASS_FRAMEWORK },
    { "usbport.sys", CLASS_FRAMEWORK },
    { "usbhub.sys", CLASS_FRAMEWORK },
    { "usbhub3.sys", CLASS_FRAMEWORK },
    { "usbxhci.sys", CLASS_FRAMEWORK },
    { "ucx01000.sys", CLASS_FRAMEWORK },
    { "bthport.sys", CLASS_FRAMEWORK },
    { "videoprt.sys", CLASS_FRAMEWORK },
    { "watchdog.sys", CLASS_FRAMEWORK },
    { "dxgkrnl.sys", CLASS_FRAMEWORK },
    { "dxgmms*", CLASS_FRAMEWORK },
    { "verifierext.sys", CLASS_FRAMEWORK },
    { "wppRecorder.sys", CLASS_FRAMEWORK },
    { "win32k*", CLASS_SUBSYSTEM },
    { "ntfs.sys", CLASS_SUBSYSTEM },
    { "refs*", CLASS_SUBSYSTEM },
    { "fastfat.sys", CLASS_SUBSYSTEM },
    { "tcpip.sys", CLASS_SUBSYSTEM },
    { "afd.sys", CLASS_SUBSYSTEM },
    { "netio.sys", CLASS_SUBSYSTEM },
    { "fwpkclnt.sys", CLASS_SUBSYSTEM },
    { "partmgr.sys", CLASS_SUBSYSTEM },
    { "volmgr.sys", CLASS_SUBSYSTEM },
    { "volsnap.sys", CLASS_SUBSYSTEM },
    { "fvevol.sys", CLASS_SUBSYSTEM },
    { "rdyboost.sys", CLASS_SUBSYSTEM },
    { "acpi.sys", CLASS_SUBSYSTEM },
    { "pci.sys", CLASS_SUBSYSTEM },
    { "cng.sys", CLASS_SUBSYSTEM },
    { "msrpc.sys", CLASS_SUBSYSTEM },
    { "fileinfo.sys", CLASS_SUBSYSTEM },
    { "wdfilter.sys", CLASS_SUBSYSTEM },
    { "cldflt.sys", CLASS_SUBSYSTEM },
    { "wof.sys", CLASS_SUBSYSTEM },
    { "pdc.sys", CLASS_SUBSYSTEM },
};

/* Files of Windows itself that the table above does not name.  One string to a
 * line of the alphabet keeps it readable; blanks separate. */
static const char *const system_files[] = {
    " 1394ohci.sys acpiex.sys acpipagr.sys acpipmi.sys acpitime.sys afunix.sys agilevpn.sys ahcache.sys amdgpio2.sys"
    " amdk8.sys amdppm.sys applockerfltr.sys appid.sys appnodeenum.sys asyncmac.sys atapi.sys atmfd.dll ",
    " bam.sys basicdisplay.sys basicrender.sys battc.sys beep.sys bfs.sys bindflt.sys blbdrive.sys bowser.sys"
    " bridge.sys bthenum.sys btha2dp.sys bthhfaud.sys bthhfenum.sys bthleenum.sys bthmini.sys bthmodem.sys bthpan.sys"
    " bthusb.sys buttonconverter.sys ",
    " cad.sys cdd.dll cdfs.sys cdrom.sys cea.sys cimfs.sys clipsp.sys clusdisk.sys clusflt.sys cmbatt.sys"
    " cmimcext.sys compositebus.sys condrv.sys crcdisk.sys csc.sys csvflt.sys csvfs.sys csvnsflt.sys csvvbus.sys ",
    " dam.sys dedup.sys dfsc.sys dfsrro.sys disk.sys dmvsc.sys drmk.sys ",
    " ehstorclass.sys ehstortcgdrv.sys errdev.sys exfat.sys executioncontext.sys ",
    " fdc.sys filecrypt.sys filetrace.sys flpydisk.sys fs_rec.sys fsdepends.sys ",
    " gameflt.sys gpuenergydrv.sys ",
    " hdaudbus.sys hdaudio.sys hidbth.sys hidi2c.sys hidinterrupt.sys hidparse.sys hidusb.sys http.sys hvservice.sys"
    " hvsocket.sys hwpolicy.sys hyperkbd.sys hypervideo.sys ",
    " i8042prt.sys indirectkmd.sys intelide.sys intelpep.sys intelppm.sys iorate.sys ipfltdrv.sys ipmidrv.sys"
    " ipnat.sys isapnp.sys iscsiprt.sys ",
    " kbdclass.sys kbdhid.sys kerb3961kernel.sys ksecdd.sys ksecpkg.sys ",
    " lltdio.sys loop.sys luafv.sys lxcore.sys lxss.sys ",
    " mmcss.sys modem.sys monitor.sys mouclass.sys mouhid.sys mountmgr.sys mpio.sys mpksldrv.sys mpsdrv.sys"
    " mrxsmb.sys mrxsmb10.sys mrxsmb20.sys msahci.sys msdsm.sys msfs.sys msgpioclx.sys msgpiowin32.sys mshidkmdf.sys"
    " mshidumdf.sys mshwnclx.sys msisadrv.sys msiscsi.sys mskssrv.sys mslldp.sys mspclock.sys mspqm.sys msquic.sys"
    " msseccore.sys mssecflt.sys mssmbios.sys mtconfig.sys mup.sys microsoft.bluetooth.avrcptransport.sys"
    " microsoft.bluetooth.legacy.leenumerator.sys ",
    " ndiscap.sys ndisimplatform.sys ndistapi.sys ndisuio.sys ndisvirtualbus.sys ndiswan.sys ndproxy.sys ndu.sys"
    " netbios.sys netbt.sys netft.sys netvsc.sys netvsc60.sys netvsc63.sys npfs.sys npsvctrig.sys nsiproxy.sys "
    "null.sys ",
    " pacer.sys parport.sys passthruparser.sys pciide.sys pciidex.sys pcw.sys peauth.sys prm.sys processr.sys"
    " pvhdparser.sys ",
    " qwavedrv.sys ",
    " rasacd.sys rasl2tp.sys raspppoe.sys raspptp.sys rassstp.sys rdbss.sys rdpbus.sys rdpdr.sys rdpvideominiport.sys"
    " resumekeyfilter.sys rfcomm.sys rspndr.sys ",
    " s3cap.sys sdbus.sys sdstor.sys sdport.sys serenum.sys serial.sys sermouse.sys sgrmagent.sys sleepstudyhelper.sys"
    " smbdirect.sys spaceport.sys spbcx.sys srv.sys srv2.sys srvnet.sys storahci.sys storflt.sys stornvme.sys"
    " storqosflt.sys storufs.sys storvsc.sys storvsp.sys svhdxflt.sys swenum.sys ",
    " tbs.sys tcpipreg.sys tdi.sys tdx.sys terminpt.sys tpm.sys tsddd.dll tsusbflt.sys tsusbhub.sys tunnel.sys ",
    " uaspstor.sys ucmcx.sys ucmucsiacpiclient.sys ucmucsicx.sys ucpd.sys udfs.sys uefi.sys umbus.sys umpass.sys"
    " unionfs.sys usb8023.sys usbaudio.sys usbaudio2.sys usbccgp.sys usbd.sys usbehci.sys usbohci.sys usbprint.sys"
    " usbser.sys usbstor.sys usbuhci.sys usbvideo.sys ",
    " vdrvroot.sys vfpext.sys vga.sys vgapnp.sys vhdmp.sys vhdparser.sys vhf.sys vid.sys vmbkmcl.sys vmbkmclr.sys"
    " vmbus.sys vmbushid.sys vmbusr.sys vmgencounter.sys vmgid.sys vmsproxy.sys vmsproxyhnic.sys vmstorfl.sys"
    " vmswitch.sys volmgrx.sys volume.sys vpci.sys vpcivsp.sys vwifibus.sys vwififlt.sys vwifimp.sys ",
    " wacompen.sys wanarp.sys wcifs.sys wcnfs.sys wdboot.sys wdnisdrv.sys wfplwfs.sys windowstrustedrt.sys"
    " windowstrustedrtproxy.sys winhv.sys winhvr.sys winnat.sys winquic.sys winusb.sys wmiacpi.sys wmilib.sys"
    " wpdupfltr.sys ws2ifsl.sys wtd.sys wudfpf.sys wudfrd.sys winaccel.sys win32kbase_rs.sys ",
    " xboxgip.sys xinputhid.sys ",
};

static bool matches(const char *pattern, const char *name)
{
    size_t n = strlen(pattern);

    if (pattern[n - 1] == '*')
        return text_ncasecmp(pattern, name, n - 1) == 0;
    return text_casecmp(pattern, name) == 0;
}

static bool in_table(const char *name, enum module_class *out)
{
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (matches(classes[i].name, name)) {
            *out = classes[i].class;
            return true;
        }
    }
    return false;
}

enum module_class class_of(const char *name)
{
    enum module_class c = CLASS_DEFINITE;

    in_table(name, &c);
    return c;
}

static bool line_has(const char *line, const char *name, size_t n)
{
    for (const char *p = line; *p != '\0'; p++)
        if (*p == ' ' && text_ncasecmp(p + 1, name, n) == 0 && p[1 + n] == ' ')
            return true;
    return false;
}

bool class_is_system_file(const char *name)
{
    enum module_class c;
    size_t n = strlen(name);

    if (n == 0 || strchr(name, ' ') != NULL)
        return false;
    if (in_table(name, &c))
        return true;
    for (size_t i = 0; i < sizeof system_files / sizeof system_files[0]; i++)
        if (line_has(system_files[i], name, n))
            return true;
    return false;
}
