/* Where the program begins on Windows: closes the ways in which somebody else's
 * code could be loaded, makes the command line UTF-8, and goes on in main().
 *
 * Libraries are taken from System32 alone: one that lies beside the program or
 * in the current folder is never loaded at run time.
 */
#include "plat/win/wide.h"

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

/* Exit codes of enum in agent/commands.h: 1 is "failed". */
enum { FAILED = 1 };

int main(int argc, char **argv);
int wmain(int argc, wchar_t **argv);

static UINT console_before;

/* SetDefaultDllDirectories is missing on a Windows 7 or 2008 R2 without update KB2533623. */
static bool restrict_libraries(void)
{
    typedef BOOL(WINAPI * set_default)(DWORD flags);
    HMODULE kernel = GetModuleHandleW(L"kernel32.dll");
    set_default set = (set_default)(void *)GetProcAddress(kernel, "SetDefaultDllDirectories");

    if (!SetDllDirectoryW(L""))
        return false;
    return set == NULL || set(LOAD_LIBRARY_SEARCH_SYSTEM32);
}

static void restore_console(void)
{
    SetConsoleOutputCP(console_before);
}

/* Lines end in LF alone, as everywhere; a console is told that it gets UTF-8. */
static void prepare_output(void)
{
    DWORD mode;

    _setmode(_fileno(stdout), _O_BINARY);
    _setmode(_fileno(stderr), _O_BINARY);
    console_before = GetConsoleOutputCP();
    if (console_before != 0 && console_before != CP_UTF8 &&
        (GetConsoleMode(GetStdHandle(STD_OUTPUT_HANDLE), &mode) ||
         GetConsoleMode(GetStdHandle(STD_ERROR_HANDLE), &mode)) &&
        SetConsoleOutputCP(CP_UTF8))
        atexit(restore_console);
}

int wmain(int argc, wchar_t **argv)
{
    char **utf8;
    int code = FAILED;

    if (!restrict_libraries())
        return FAILED;
    HeapSetInformation(NULL, HeapEnableTerminationOnCorruption, NULL, 0);
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOOPENFILEERRORBOX);
    _set_error_mode(_OUT_TO_STDERR);
    prepare_output();
    utf8 = calloc((size_t)argc + 1, sizeof *utf8);
    if (utf8 == NULL)
        return FAILED;
    for (int i = 0; i < argc; i++)
        if ((utf8[i] = utf8_from_wide(argv[i])) == NULL)
            goto done;
    code = main(argc, utf8);
done:
    for (int i = 0; i < argc; i++)
        free(utf8[i]);
    free(utf8);
    return code;
}
