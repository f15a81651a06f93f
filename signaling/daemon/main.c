/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* main.c: dcsignald: options, signals, one DcDaemon. */
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "signaling/daemon/dc-daemon-log.h"
#include "signaling/daemon/dc-daemon.h"
#include "signaling/protocol/dc-signaling-error.h"

/* dcsignald(1) documents these. */
enum { EXIT_STOPPED = 0, EXIT_RUNTIME = 1, EXIT_USAGE = 2, EXIT_LISTEN = 3 };

typedef struct {
  DcDaemonConfig config;
  GHashTable *given; /* names of the options on the command line; they win over the configuration file */
  char *config_file;
  gboolean version;
} Options;

static gboolean
option_cb (const char *option, const char *value, gpointer data, GError **error)
{
  Options *options = data;
  const char *name = option + 2;

  /* One of the two ways to say where to listen replaces both of the file's. */
  if (g_str_equal (name, "listen") || g_str_equal (name, "port")) {
    g_hash_table_add (options->given, g_strdup ("listen"));
    g_hash_table_add (options->given, g_strdup ("port"));
  }
  g_hash_table_add (options->given, g_strdup (name));
  return dc_daemon_config_set (&options->config, name, value, error);
}

static void
add_entries (GOptionGroup *group, Options *options)
{
  GOptionEntry entries[] = {
      {"listen", 0, 0, G_OPTION_ARG_CALLBACK, option_cb,
          "Listen here; may be repeated; port 0: any free one (default: 127.0.0.1:8443)", "HOST:PORT"},
      {"port", 0, 0, G_OPTION_ARG_CALLBACK, option_cb,
          "Listen on all addresses of this machine: --listen 0.0.0.0:N --listen [::]:N", "N"},
      {"tls-cert", 0, 0, G_OPTION_ARG_CALLBACK, option_cb,
          "Certificate, with its chain if any (PEM): speak wss and https", "FILE"},
      {"tls-key", 0, 0, G_OPTION_ARG_CALLBACK, option_cb, "The certificate's private key (PEM)", "FILE"},
      {"stun-server", 0, 0, G_OPTION_ARG_CALLBACK, option_cb,
          "Tell the peers of this STUN server; may be repeated (stun:HOST[:PORT])", "URL"},
      {"turn-server", 0, 0, G_OPTION_ARG_CALLBACK, option_cb,
          "Tell the peers of this TURN server; may be repeated (turn://USER:PASSWORD@HOST[:PORT])", "URL"},
      {"log", 0, 0, G_OPTION_ARG_CALLBACK, option_cb, "What to print: a line for people or a JSON object an event",
          "text|json"},
      {"config", 0, 0, G_OPTION_ARG_FILENAME, &options->config_file,
          "Read these options from the group [dcsignald] of FILE; the command line wins", "FILE"},
      {"version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version and exit", NULL},
      {NULL},
  };

  g_option_group_add_entries (group, entries);
}

static int
fail (int status, const char *text)
{
  fprintf (stderr, "dcsignald: %s\n", text);
  return status;
}

static int
fail_usage (const char *text)
{
  gsize length = strlen (text);

  fprintf (stderr, "dcsignald: %s%s Try: dcsignald --help\n", text, length && text[length - 1] == '.' ? "" : ".");
  return EXIT_USAGE;
}

/* -1: go on; otherwise the exit status. */
static int
parse_options (Options *options, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new ("- lets peers find each other to open data channels");
  GOptionGroup *group = g_option_group_new ("dcsignald", "", "", options, NULL);

  add_entries (group, options);
  g_option_context_set_main_group (context, group);
  g_option_context_set_description (context,
      "Clients connect to ws://HOST:PORT (wss:// with TLS), or poll over HTTP on the same port.\n"
      "Exit status: 0 stopped by a signal, 1 failure while running, 2 wrong options or configuration,\n"
      "3 cannot listen. See dcsignald(1).\n");
  if (!g_option_context_parse (context, &argc, &argv, &error))
    return fail_usage (error->message);
  if (argc > 1) {
    g_autofree char *text = g_strdup_printf ("\"%s\" is no option.", argv[1]);
    return fail_usage (text);
  }
  if (options->version) {
    printf ("dcsignald %s\n", DC_VERSION);
    return EXIT_STOPPED;
  }
  if (options->config_file && !dc_daemon_config_load (&options->config, options->config_file, options->given, &error))
    return fail (EXIT_USAGE, error->message);
  return -1;
}

typedef struct {
  GMainLoop *loop;
  DcDaemon *daemon;
  DcDaemonLog log;
  gboolean stopping;
} Run;

static gboolean
done_cb (gpointer data)
{
  Run *run = data;

  g_main_loop_quit (run->loop);
  return G_SOURCE_REMOVE;
}

static gboolean
signal_cb (gpointer data)
{
  Run *run = data;

  /* Whoever asks twice does not want to wait for goodbyes. */
  if (run->stopping)
    _exit (EXIT_STOPPED);
  run->stopping = TRUE;
  dc_daemon_log_stopping (run->log, "asked to by a signal");
  dc_daemon_shut_down (run->daemon, "The server is shutting down.", done_cb, run);
  return G_SOURCE_CONTINUE;
}

/* As many connections as the system allows. */
static void
raise_file_limit (void)
{
  struct rlimit files;

  if (getrlimit (RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    setrlimit (RLIMIT_NOFILE, &files);
  }
}

static int
run_daemon (const DcDaemonConfig *config)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (DcDaemon) daemon = dc_daemon_new (config, &error);
  Run run = {.loop = loop, .daemon = daemon, .log = config->log};

  if (!daemon)
    return fail (g_error_matches (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_UNREACHABLE) ? EXIT_LISTEN : EXIT_USAGE,
        error->message);
  g_unix_signal_add (SIGTERM, signal_cb, &run);
  g_unix_signal_add (SIGINT, signal_cb, &run);
  for (const char *const *url = dc_daemon_get_urls (daemon); *url; url++)
    dc_daemon_log_listening (config->log, *url);
  if (dc_daemon_is_exposed (daemon))
    dc_daemon_log_warning (config->log, "other machines can connect, and without TLS (--tls-cert, --tls-key) the "
                                        "network can read and change what they say");
  g_main_loop_run (loop);
  return run.stopping ? EXIT_STOPPED : EXIT_RUNTIME;
}

int
main (int argc, char **argv)
{
  Options options = {.given = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL)};

  setlocale (LC_CTYPE, "");
  signal (SIGPIPE, SIG_IGN);
  setvbuf (stdout, NULL, _IOLBF, 0);
  raise_file_limit ();
  dc_daemon_config_init (&options.config);
  int status = parse_options (&options, argc, argv);
  if (status < 0)
    status = run_daemon (&options.config);
  dc_daemon_config_clear (&options.config);
  g_hash_table_unref (options.given);
  g_free (options.config_file);
  return status;
}
