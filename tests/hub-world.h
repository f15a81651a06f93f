/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hub-world.h: a hub in virtual time, and connections to it that remember what they are told. */
#pragma once

#include "signaling/hub/dc-hub.h"

G_BEGIN_DECLS

#define SECOND ((gint64) G_USEC_PER_SEC)

typedef struct _World World;

typedef struct {
  DcHubConnection base;
  World *world;
  GQueue outputs;          /* private */
  gboolean muted;          /* counts what comes and forgets it */
  guint64 count, bytes;    /* of texts, muted or not */
  gboolean detach_on_send; /* a socket that turns out to be broken in the middle of a write */
  guint inside;            /* vfuncs of this connection that are running */
} Fake;

struct _World {
  DcHub *hub;
  gint64 now;
  guint64 random;
  gboolean random_is_broken;
  GHashTable *connections; /* name -> Fake */
  GHashTable *variables;   /* "$name" -> string */
  GString *events;
};

World *world_new (const DcHubConfig *config);
/* Everybody goes; nothing may be left of them. */
void world_free (World *world);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)

/* The connection of this name, which begins with the first that asks for it. */
Fake *world_get_fake (World *world, const char *name);
/* @name says something. */
void world_feed (World *world, const char *name, const char *text);
void world_feedf (World *world, const char *name, const char *format, ...) G_GNUC_PRINTF (3, 4);
void world_advance (World *world, gint64 span);

/* The next text that @name got. (transfer full) */
char *world_next_text (World *world, const char *name);
DcMessage *world_next_message (World *world, const char *name);
void world_expect_error (World *world, const char *name, DcCode code, guint64 seq);
void world_expect_type (World *world, const char *name, DcMessageType type);
void world_expect_closed (World *world, const char *name, DcCode code);
/* What @name got up to now. */
void world_forget (World *world, const char *name);
/* So many texts and closings @name got that were not taken yet. */
guint world_get_waiting (World *world, const char *name);
DcHubStats world_get_stats (World *world);

G_END_DECLS
