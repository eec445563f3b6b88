/* FAILURE_ID_HASH.  Public within the room and for its tests. */
#ifndef TRIAGE_BUCKET_H
#define TRIAGE_BUCKET_H

/* The hash WinDbg prints for a FAILURE_BUCKET_ID: MD5 over "km:" and the id in
 * lower case, as UTF-16LE, read as a GUID (dumps.md 3.8, 17 of 17 published
 * pairs).  ASCII ids up to 255 characters; out has 37 bytes. */
void failure_id_hash(const char *failure_bucket_id, char out[37]);

#endif
