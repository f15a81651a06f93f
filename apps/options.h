/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* options.h: what a subcommand was asked to do: command line, environment and .env file in one struct. */
#pragma once

#include <glib.h>

#include "plugins/peer/dc-peer.h"

G_BEGIN_DECLS

/* The variables, all in one place. Precedence: command line, environment, .env file. */
#define DC_ENV_SIGNALING "DC_SIGNALING"
#define DC_ENV_ROOM "DC_ROOM"
#define DC_ENV_ID "DC_ID"
#define DC_ENV_STUN "DC_STUN"
#define DC_ENV_TURN "DC_TURN" /* several: separated by blanks or commas */
#define DC_ENV_TOKEN "DC_TOKEN"
#define DC_ENV_SECRET "DC_SECRET"
#define DC_ENV_PROXY "DC_PROXY"
#define DC_ENV_FAST "DC_FAST" /* the library looks at it, too, but not into the file */
/* The older pair, used where DC_SIGNALING is nowhere set. */
#define DC_ENV_OLD_ADDR "SIGNALING_SERVER_ADDR"
#define DC_ENV_OLD_PORT "SIGNALING_SERVER_PORT"
#define DC_ENV_FILE ".env"

#define DC_OPTIONS_DEFAULT_SIGNALING "ws://127.0.0.1:8443"
#define DC_OPTIONS_DEFAULT_ROOM "default"

typedef enum { DC_COMMAND_OFFER, DC_COMMAND_ANSWER, DC_COMMAND_PEERS } DcCommand;

typedef struct {
  /* Of every subcommand. */
  char *signaling;
  char *room;
  char *token;  /* (nullable) */
  char *tls_ca; /* (nullable) */
  char *proxy;  /* (nullable) */
  gboolean polling;
  gboolean json;
  guint timeout; /* seconds, 0: none */

  /* Of offer and answer. */
  char *id;           /* (nullable) */
  char *secret;       /* (nullable) */
  char *certificate;  /* (nullable) */
  char *to;           /* (nullable) */
  char *stun_servers; /* (nullable): separated by blanks */
  GStrv turn_servers;
  guint resume_timeout; /* seconds, 0: a lost connection is the end */
  gboolean no_turn;
  gboolean relay_only;
  gboolean ice_tcp;
  DcFast fast;
  char *interfaces; /* (nullable): separated by blanks */
  char *port_range; /* (nullable) */
  guint64 count;    /* 0: until interrupted */
  gint64 interval;  /* microseconds, 0: as fast as the far side takes them */
  char *message;    /* (nullable): "Hello N from ID" */
  gboolean once;    /* answer */

  guint streams;      /* SCTP associations for a link; 0: as many as help */
  GStrv labels;       /* never empty */
  gboolean any_label; /* answer, raw: none was given */
  gboolean raw;
  char *protocol; /* (nullable); this and the next five: raw */
  gboolean unordered;
  int max_retransmits; /* -1: no limit */
  int max_lifetime;    /* milliseconds, -1: no limit */
  int negotiated;      /* the id of the first channel, -1: opened in band */
  gboolean hang_up;    /* raw: close when everything has arrived */
  guint max_message_size;

  gboolean manual;      /* no server: descriptions are printed and pasted */
  char *remote_file;    /* (nullable): where the other side's is, rather than on standard input */
  gboolean print_again; /* with each new candidate */
  gboolean base64;
} DcOptions;

/* The value of the environment variable @name, or NULL (g_getenv; tests: a table). */
typedef const char *(*DcGetenvFunc) (const char *name);

/* Parses argv[1..]; may print the help and exit, as GOption does. NULL with an error whose message is to be shown as a
 * usage error. */
DcOptions *dc_options_parse (DcCommand command, int argc, char **argv, DcGetenvFunc getenv_func, GError **error);
void dc_options_free (DcOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcOptions, dc_options_free)

const char *dc_command_get_name (DcCommand command);

/* The URL that the older pair of variables means: @addr (nullable) a host, an address or a URL, @port (nullable). */
char *dc_options_join_server (const char *addr, const char *port, GError **error);

G_END_DECLS
