/* vcon_transfer.h - move a message history from device to device, end to end encrypted.
 *
 * One transfer is one handle. What happens comes as events to a function of yours, what
 * the person answers goes in as commands; both are JSON objects as in docs/subprocess.md.
 * docs/binding.md has an example.
 *
 * Threads. Every function may be called from any thread at any time, also from within
 * the event function. The event function is called on a thread of the library, one event
 * at a time for each handle, in order; the last event is "done", exactly once.
 *
 * Memory. What you pass is copied before the function returns; it stays yours. The line
 * of an event is valid until your event function returns: copy what you keep. Strings
 * that the library returns are yours: give them to vcon_transfer_free_string.
 *
 * Never: unload the library (dlclose), or call it in a child of fork that has not called
 * exec; leave the event function by longjmp or by an exception of C++; wait in the event
 * function for a thread that waits in vcon_transfer_free.
 */
#ifndef VCON_TRANSFER_H
#define VCON_TRANSFER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A transfer. 0 is none; a number is never used for a second one. */
typedef uint64_t vcon_transfer_handle;

/* A text in UTF-8 that ends with a zero byte. */
typedef const char *vcon_transfer_text;

/* Takes an event: one JSON object, without a line feed. context is what was given with
 * it: a number, or a pointer as a number, which the library does not look at. */
typedef void (*vcon_transfer_event_fn)(uintptr_t context, vcon_transfer_text line);

/* What the functions below return beside what they say. */
#define VCON_TRANSFER_OK 0
#define VCON_TRANSFER_BAD_HANDLE (-1) /* never was one, or was freed */
#define VCON_TRANSFER_BAD_ARGUMENT (-2) /* NULL where it cannot be */
#define VCON_TRANSFER_IN_EVENT (-3) /* cannot be called within an event function */
#define VCON_TRANSFER_BUG (-4) /* of the library */

/* The version of the library; to be freed. */
char *vcon_transfer_version(void);

/* A new device that receives, or an old one that sends. config is a JSON object, see
 * docs/binding.md. 0 is an error; then *problem, if problem is not NULL, says in words
 * what cannot be in config, and is to be freed; else it is NULL. Nothing happens before
 * vcon_transfer_start. */
vcon_transfer_handle vcon_transfer_receiver(vcon_transfer_text config, vcon_transfer_event_fn event, uintptr_t context, char **problem);
vcon_transfer_handle vcon_transfer_sender(vcon_transfer_text config, vcon_transfer_event_fn event, uintptr_t context, char **problem);

/* Begins, and returns at once. A second call does nothing. */
int vcon_transfer_start(vcon_transfer_handle transfer);

/* Gives a command, a JSON object, and returns at once. One that makes no sense is
 * answered with the event "warning". */
int vcon_transfer_command(vcon_transfer_handle transfer, vcon_transfer_text line);

/* Waits until the event function has returned from "done", at most that long; a negative
 * time has no end. 1: it has. 0: not yet. Not within an event function. */
int vcon_transfer_wait(vcon_transfer_handle transfer, int64_t milliseconds);

/* Ends with the handle. A transfer that runs is cancelled, and its end is waited for;
 * events come until then, and none when this has returned. Within an event function
 * nothing is waited for: then, the event that is taken is the last one of this handle. */
int vcon_transfer_free(vcon_transfer_handle transfer);

/* Frees a string that the library returned; NULL is fine. */
void vcon_transfer_free_string(char *text);

#ifdef __cplusplus
}
#endif

#endif
