/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* link-wire.h: two ends of a link on a wire in virtual time, and one end against a forger; for the tests of the link. */
#pragma once

#include "plugins/link/dc-frame.h"
#include "plugins/link/dc-link.h"

G_BEGIN_DECLS

#define MS G_TIME_SPAN_MILLISECOND
#define SECOND G_TIME_SPAN_SECOND

/*
 * The wire: what one end transmits arrives at the other `delay` later, in order, at no more than `rate`. Time jumps from
 * one arrival or deadline to the next. `consume` of an end is its application: it is called after every step and says
 * when it wants to be called again.
 *
 * Channels are numbered. An end is on one of them, or its link is suspended; what comes for an older one is lost, what
 * comes for a newer one waits for the end to get there.
 */
typedef struct _Wire Wire;
typedef struct _End End;
struct _End {
  DcLink *link;
  GQueue *incoming;                             /* messages on their way here */
  guint channel;                                /* the one that the end is on */
  gint64 free_at;                               /* when the wire to here has passed on what it was given */
  gint64 (*consume) (Wire *wire, End *end);     /* or NULL */
  void (*see) (End *end, const DcFrame *frame); /* every frame that arrives here */
  guint frames[DC_FRAME_FIN + 1];               /* seen, by type */
  gint64 last_seen[DC_FRAME_FIN + 1];
  GPtrArray *items; /* popped, by take_all() */
  gsize max_message_size;
  gpointer data;
};

struct _Wire {
  gint64 now, delay;
  gint64 rate; /* bytes a second each way; 0: any */
  End a, b;
  gboolean cut; /* nothing arrives */
  guint dead;   /* channels before this one are dead: what is sent on them is lost */
};

Wire *wire_new (const DcLinkConfig *a, const DcLinkConfig *b, gint64 delay);
/* With both ends open. */
Wire *wire_new_open (const DcLinkConfig *a, const DcLinkConfig *b, gint64 delay);
void wire_free (Wire *wire);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Wire, wire_free)
void wire_run (Wire *wire, gint64 duration);
End *wire_other (Wire *wire, End *end);
/* Everything on its way is lost, and both links are told. */
void wire_lose_channel (Wire *wire);
/* Nobody is told, and of what is on its way the first @to_a and @to_b messages still arrive. */
void wire_kill_channel (Wire *wire, guint to_a, guint to_b);
/* Both ends go on, on another channel. */
void wire_next_channel (Wire *wire);

void end_init (End *end, const DcLinkConfig *config, gint64 now);
void end_clear (End *end);
DcLinkStats get_stats (const End *end);

/* The application that takes everything at once, from every stream. */
gint64 take_all (Wire *wire, End *end);

GBytes *new_pattern (gsize size, guint8 first);
DcLinkItem *new_data (gsize size);
DcLinkItem *new_data_on (guint stream, gsize size);
DcLinkItem *new_caps (const char *caps);
void send_item (End *end, DcLinkItem *item, gboolean ack_now);

gsize item_size (const DcLinkItem *item);
void assert_payload (const DcLinkItem *item, GBytes *payload);
void assert_data (const DcLinkItem *item, gsize size);
void assert_link_error (const End *end, DcLinkError code, const char *part);

/* --- the forger: writes the frames of the far side by hand; time stands still at 0 --- */

#define FIRST 1000u      /* the forger's first number */
#define FORGER_SESSION 7 /* and session */
#define FORGED_SESSION 9 /* of the end that it talks to */

typedef struct {
  End end;
  GByteArray *message;
} Forge;

/* An end that takes little. @open: it has got a HELLO, and said what there is to say then. */
Forge *forge_new (gboolean open);
void forge_free (Forge *forge);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Forge, forge_free)
void forge_add (Forge *forge, DcFrame frame);
gboolean forge_deliver (Forge *forge);
/* Throws away what the end transmits. */
void forge_drain (Forge *forge);
/* What was added must end the link with a sentence that has @part in it; the far side must be told the same. */
void forge_assert_refused (Forge *forge, const char *part);
/* Likewise, with another error than that the protocol was broken. */
void forge_assert_ended (Forge *forge, DcLinkError code, const char *part);

DcFrame make_hello (void);
DcFrame make_item (DcFrameType type, guint8 flags, guint32 sequence, gsize total, const char *payload, gsize size);
DcFrame make_whole (DcFrameType type, guint32 sequence, const char *payload);
DcFrame make_credit (guint stream, guint32 acknowledged, guint32 bytes, guint32 frames);

G_END_DECLS
