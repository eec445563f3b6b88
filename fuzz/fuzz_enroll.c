/* What a stranger sends to enrol: the text of a token, and a request for a certificate. */
#include "hub/ca.h"
#include "hub/enroll_token.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = CSR_BYTES_MAX + 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char id[IDENTITY_TOKEN_ID_MAX], digest[IDENTITY_DIGEST_MAX], *text;
    struct fleet_issued planned;
    struct csr *csr = NULL;
    struct err e;

    if (size > INPUT_MAX)
        return 0;
    text = malloc(size + 1);
    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (enroll_token_read(text, id, digest) && strlen(digest) + 1 != sizeof digest)
        abort();
    if (csr_read(&csr, text, strlen(text), &e) == 0) {
        ca_plan(csr, 1, 1, &planned);
        if (strlen(planned.key) + 1 != sizeof planned.key)
            abort();
    }
    csr_free(csr);
    free(text);
    return 0;
}
