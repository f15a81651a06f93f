/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peer.h: what the peers in C of `./dev bench channels` have in common: the commands, the counters and the round trips. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One end of a channel. Made by the stack, as the first member of what it has more. */
typedef struct {
  gboolean offers;
  /* Of those who count, atomic: */
  guint64 bytes, messages; /* that came */
  guint64 sent;            /* bytes */
  GThread *sender;
} PeerEnd;

/* What a stack has to be able to do. Those that return FALSE set an error. */
typedef struct {
  /* Begins to connect the end that offers, or answers, in @room. NULL: an error. */
  PeerEnd *(*make) (const char *url, const char *room, gboolean offers, GError **error);
  /* Blocks until the channel is open; from then on what comes goes to peer_received(). */
  gboolean (*wait) (PeerEnd *end, GError **error);
  /* Blocks until there is room for the message, not for longer than until interrupted. From any thread, but one at a time. */
  gboolean (*send) (PeerEnd *end, GBytes *message, GError **error);
  /* TRUE: a send that blocks fails at once, and so do all others until FALSE. */
  void (*interrupt) (PeerEnd *end, gboolean interrupted);
  /* (nullable): what the far side takes, in bytes. */
  gsize (*get_limit) (PeerEnd *end);
  /* (nullable): more members for what is said when all is open, each behind a comma. (transfer full) */
  char *(*describe) (void);
} PeerStack;

/* A message came. From any thread, but one at a time for an end. */
void peer_received (PeerEnd *end, GBytes *message);
/* Tells what has gone wrong and exits. From any thread. */
void peer_fail (const GError *error) G_GNUC_NORETURN;

/* main(): the arguments are URL ROOM offer|answer|both N. */
int peer_main (const PeerStack *stack, int argc, char **argv);

G_END_DECLS
