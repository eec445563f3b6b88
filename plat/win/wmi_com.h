/* WMI's interfaces, with the call macros for C. */
#ifndef PLAT_WIN_WMI_COM_H
#define PLAT_WIN_WMI_COM_H

#ifndef COBJMACROS
#define COBJMACROS
#endif

#include <wbemcli.h>

#endif
