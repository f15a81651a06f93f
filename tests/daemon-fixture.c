/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* daemon-fixture.c: a daemon with two clients, and raw bytes to it. */
#include "tests/daemon-fixture.h"

#include <string.h>

#include "tests/harness/dc-test.h"

void
daemon_set_up_config (DaemonFixture *fixture, const DaemonTransports *with, const DcDaemonConfig *config)
{
  dc_test_watchdog_start (DAEMON_WATCHDOG_S);
  fixture->daemon = dc_test_daemon_new (config);
  const char *url = dc_test_daemon_get_url (fixture->daemon);
  fixture->alice = dc_test_client_new (url, with ? with->first : DC_TEST_WEBSOCKET, NULL);
  fixture->bob = dc_test_client_new (url, with ? with->second : DC_TEST_WEBSOCKET, NULL);
}

void
daemon_set_up (DaemonFixture *fixture, gconstpointer data)
{
  daemon_set_up_config (fixture, data, NULL);
}

void
daemon_set_up_poll_timeout (DaemonFixture *fixture, gconstpointer data)
{
  DcDaemonConfig config;

  dc_daemon_config_init (&config);
  config.poll_idle_timeout = 500 * dc_test_get_slowness ();
  daemon_set_up_config (fixture, data, &config);
}

void
daemon_tear_down (DaemonFixture *fixture, gconstpointer data)
{
  dc_test_client_free (fixture->alice);
  dc_test_client_free (fixture->bob);
  dc_test_daemon_free (fixture->daemon);
  dc_test_watchdog_stop ();
}

void
daemon_register_both (DaemonFixture *fixture)
{
  dc_test_client_register (fixture->alice, "cam", "alice");
  dc_test_client_register (fixture->bob, "cam", "bob");
  dc_message_unref (dc_test_client_wait (fixture->alice, DC_MESSAGE_JOINED));
}

void
daemon_wait_parked (DaemonFixture *fixture, guint polls)
{
  while (dc_test_daemon_get_n_waiting (fixture->daemon) < polls)
    g_main_context_iteration (NULL, FALSE);
}

/* ---- Bytes ---- */

GSocketConnection *
raw_connect (DcTestDaemon *daemon)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection =
      g_socket_client_connect_to_host (client, "127.0.0.1", dc_test_daemon_get_port (daemon), NULL, &error);

  g_assert_no_error (error);
  return connection;
}

gboolean
raw_write (GSocketConnection *connection, const void *bytes, gsize length)
{
  GOutputStream *output = g_io_stream_get_output_stream (G_IO_STREAM (connection));

  return g_output_stream_write_all (output, bytes, length, NULL, NULL, NULL);
}

char *
raw_read (GSocketConnection *connection)
{
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  GString *text = g_string_new (NULL);
  char buffer[4096];
  gssize length;

  while ((length = g_input_stream_read (input, buffer, sizeof buffer, NULL, NULL)) > 0)
    g_string_append_len (text, buffer, length);
  return g_string_free (text, FALSE);
}

char *
raw_exchange (DcTestDaemon *daemon, const char *text)
{
  g_autoptr (GSocketConnection) connection = raw_connect (daemon);

  raw_write (connection, text, strlen (text));
  return raw_read (connection);
}

void
assert_begins (const char *text, const char *beginning)
{
  if (!g_str_has_prefix (text, beginning))
    g_error ("Expected \"%s\" and got: %s", beginning, text);
}

GSocketConnection *
raw_connect_websocket (DcTestDaemon *daemon)
{
  GSocketConnection *connection = raw_connect (daemon);
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  g_autoptr (GString) head = g_string_new (NULL);
  char c;

  g_assert_true (raw_write (connection, RAW_HANDSHAKE "\r\n", strlen (RAW_HANDSHAKE "\r\n")));
  while (!g_str_has_suffix (head->str, "\r\n\r\n") && g_input_stream_read (input, &c, 1, NULL, NULL) == 1)
    g_string_append_c (head, c);
  assert_begins (head->str, "HTTP/1.1 101 ");
  /* RFC 6455, 1.3 */
  g_assert_nonnull (strstr (head->str, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  return connection;
}

gboolean
raw_write_frame (GSocketConnection *connection, guint8 first, const char *payload, gsize length)
{
  g_autoptr (GByteArray) frame = g_byte_array_new ();
  guint8 header[14] = {first, 0x80};
  gsize size = 2;

  if (length < 126) {
    header[1] |= length;
  } else if (length < 65536) {
    header[1] |= 126;
    header[2] = length >> 8;
    header[3] = length;
    size = 4;
  } else {
    header[1] |= 127;
    for (guint i = 0; i < 8; i++)
      header[2 + i] = (guint64) length >> (56 - 8 * i);
    size = 10;
  }
  g_byte_array_append (frame, header, size + 4);
  g_byte_array_append (frame, (const guint8 *) payload, length);
  return raw_write (connection, frame->data, frame->len);
}

guint
raw_find_close_code (GSocketConnection *connection)
{
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint8 buffer[4096];
  gssize length;

  while ((length = g_input_stream_read (input, buffer, sizeof buffer, NULL, NULL)) > 0)
    g_byte_array_append (bytes, buffer, length);
  for (guint i = 0; i + 3 < bytes->len;) {
    const guint8 *header = bytes->data + i;
    if (header[0] == 0x88)
      return header[2] << 8 | header[3];
    i += (header[1] == 126) ? 4 + (header[2] << 8 | header[3]) : 2 + header[1];
  }
  return 0;
}
