// Sockets that Node does not offer (packet(7), netlink(7), socket options with structures), as plain calls with errno errors.
// Node-API version 8 and libuv only, so one binary serves every Node from 20 on, with glibc and musl.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <net/if.h>
#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define CHECK(call)                                      \
  do {                                                   \
    if ((call) != napi_ok) {                             \
      napi_throw_error(env, NULL, "sockets: " #call);    \
      return NULL;                                       \
    }                                                    \
  } while (0)
#define ARGUMENTS(count)        \
  napi_value argument[count];   \
  size_t arguments = count;     \
  CHECK(napi_get_cb_info(env, info, &arguments, argument, NULL, NULL))

// Throws an Error as Node's own system errors are: code "EPERM", syscall "socket", errno -1.
static napi_value throw_errno(napi_env env, const char *syscall, int number) {
  napi_value code, message, error, value;
  char text[64] = "";
  const char *name = uv_err_name(-number);
  size_t length = strlen(syscall);
  memcpy(text, syscall, length);
  text[length] = ' ';
  memcpy(text + length + 1, name, strlen(name) + 1);
  napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &code);
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message);
  napi_create_error(env, code, message, &error);
  napi_create_string_utf8(env, syscall, NAPI_AUTO_LENGTH, &value);
  napi_set_named_property(env, error, "syscall", value);
  napi_create_int32(env, -number, &value);
  napi_set_named_property(env, error, "errno", value);
  napi_throw(env, error);
  return NULL;
}

static int32_t integer(napi_env env, napi_value value) {
  int32_t result = 0;
  napi_get_value_int32(env, value, &result);
  return result;
}

static napi_value number(napi_env env, int32_t value) {
  napi_value result;
  napi_create_int32(env, value, &result);
  return result;
}

static void *buffer(napi_env env, napi_value value, size_t *length) {
  void *data = NULL;
  bool is = false;
  *length = 0;
  napi_is_buffer(env, value, &is);
  if (is) napi_get_buffer_info(env, value, &data, length);
  return data;
}

// socket(domain, type, protocol) -> fd; non-blocking, close-on-exec
static napi_value Socket(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  int type = integer(env, argument[1]) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  int fd = socket(integer(env, argument[0]), type, integer(env, argument[2]));
  return fd < 0 ? throw_errno(env, "socket", errno) : number(env, fd);
}

// bind(fd, sockaddr)
static napi_value Bind(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  size_t length;
  void *address = buffer(env, argument[1], &length);
  return bind(integer(env, argument[0]), address, length) ? throw_errno(env, "bind", errno) : NULL;
}

// setsockopt(fd, level, option, value: number | Buffer)
static napi_value SetSockOpt(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  size_t length;
  int value;
  void *data = buffer(env, argument[3], &length);
  if (data == NULL) {
    value = integer(env, argument[3]);
    data = &value;
    length = sizeof value;
  }
  int failed = setsockopt(integer(env, argument[0]), integer(env, argument[1]), integer(env, argument[2]), data, length);
  return failed ? throw_errno(env, "setsockopt", errno) : NULL;
}

// attachFilter(fd, program): classic BPF, 8 bytes an instruction
static napi_value AttachFilter(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  size_t length;
  void *data = buffer(env, argument[1], &length);
  struct sock_fprog program = {.len = length / sizeof(struct sock_filter), .filter = data};
  int failed = setsockopt(integer(env, argument[0]), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  return failed ? throw_errno(env, "setsockopt", errno) : NULL;
}

// send(fd, bytes, sockaddr?) -> bytes sent, or a negative errno where the kernel's buffers are full: try again later
static napi_value Send(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  size_t length, address_length = 0;
  void *data = buffer(env, argument[1], &length);
  void *address = arguments > 2 ? buffer(env, argument[2], &address_length) : NULL;
  ssize_t sent = sendto(integer(env, argument[0]), data, length, MSG_DONTWAIT | MSG_NOSIGNAL, address, address_length);
  if (sent >= 0) return number(env, sent);
  if (errno == EAGAIN || errno == ENOBUFS) return number(env, -errno);
  return throw_errno(env, "sendto", errno);
}

// close(fd)
static napi_value Close(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  return close(integer(env, argument[0])) ? throw_errno(env, "close", errno) : NULL;
}

// Up to BATCH datagrams are received into one slab, then JavaScript is called once. Each has a record of RECORD bytes:
// its length (uint32; 0 marks one that the kernel itself sent out, PACKET_OUTGOING, which a packet socket also sees), the
// length of its control messages (uint32), the sender's address, and the control messages (cmsg(3)) as they came.
enum { BATCH = 64, ROUNDS = 8, RECORD = 128, ADDRESS_AT = 8, CONTROL_AT = 40 };

typedef struct {
  uv_poll_t handle;
  napi_env env;
  napi_ref callback, slab, records;
  napi_async_context context;
  napi_async_cleanup_hook_handle hook;
  int fd;
  // JavaScript may hold it longer than the socket is open, or forget it while it still is: the last one frees it.
  bool closed, forgotten;
  uint8_t *record;
  struct mmsghdr messages[BATCH];
  struct iovec vectors[BATCH];
} Poller;

static void on_closed(uv_handle_t *handle) {
  Poller *poller = handle->data;
  napi_env env = poller->env;
  napi_handle_scope scope;
  napi_open_handle_scope(env, &scope);
  napi_delete_reference(env, poller->callback);
  napi_delete_reference(env, poller->slab);
  napi_delete_reference(env, poller->records);
  napi_async_destroy(env, poller->context);
  napi_close_handle_scope(env, scope);
  if (poller->hook) napi_remove_async_cleanup_hook(poller->hook);
  poller->closed = true;
  if (poller->forgotten) free(poller);
}

static void on_forgotten(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  Poller *poller = data;
  poller->forgotten = true;
  if (poller->closed) free(poller);
}

static void stop(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  Poller *poller = data;
  if (poller->closed || uv_is_closing((uv_handle_t *)&poller->handle)) return;
  uv_poll_stop(&poller->handle);
  uv_close((uv_handle_t *)&poller->handle, on_closed);
  // At once, so that its port is free for whoever comes next; libuv has let go of it.
  close(poller->fd);
}

// sll_pkttype of struct sockaddr_ll (linux/if_packet.h) is the byte at offset 10; PACKET_OUTGOING is 4, AF_PACKET 17.
static bool is_outgoing(const uint8_t *address) {
  return *(const sa_family_t *)address == 17 && address[10] == 4;
}

// recvmsg(2) overwrites the lengths of what it was given room for.
static void make_room(Poller *poller) {
  for (int i = 0; i < BATCH; i++) {
    poller->messages[i].msg_hdr.msg_namelen = CONTROL_AT - ADDRESS_AT;
    poller->messages[i].msg_hdr.msg_controllen = RECORD - CONTROL_AT;
  }
}

static void write_record(uint8_t *record, const struct mmsghdr *message) {
  uint32_t lengths[2] = {is_outgoing(record + ADDRESS_AT) ? 0 : message->msg_len, message->msg_hdr.msg_controllen};
  memcpy(record, lengths, sizeof lengths);
}

static void on_readable(uv_poll_t *handle, int status, int events) {
  (void)events;
  Poller *poller = handle->data;
  napi_env env = poller->env;
  for (int round = 0; round < ROUNDS; round++) {
    make_room(poller);
    int count = status < 0 ? status : recvmmsg(poller->fd, poller->messages, BATCH, MSG_DONTWAIT, NULL);
    if (count < 0 && status >= 0) count = -errno;
    if (count == -EAGAIN || count == -EINTR || count == 0) return;
    for (int i = 0; i < count; i++) write_record(poller->record + i * RECORD, &poller->messages[i]);
    napi_handle_scope scope;
    napi_value callback, receiver, argument, result;
    napi_open_handle_scope(env, &scope);
    napi_get_reference_value(env, poller->callback, &callback);
    napi_get_global(env, &receiver);
    napi_create_int32(env, count, &argument);
    if (napi_make_callback(env, poller->context, receiver, callback, 1, &argument, &result) == napi_pending_exception) {
      napi_value exception;
      napi_get_and_clear_last_exception(env, &exception);
      napi_fatal_exception(env, exception);
    }
    napi_close_handle_scope(env, scope);
    if (count < BATCH || uv_is_closing((uv_handle_t *)handle)) return;
  }
}

// poll(fd, slab, records, callback) -> handle. The slab is cut into BATCH slots of equal size; pollers may share both, as
// only one receives at a time.
// The callback gets the number of datagrams, or a negative errno.
static napi_value Poll(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  size_t slab_length, records_length;
  uint8_t *slab = buffer(env, argument[1], &slab_length);
  uint8_t *records = buffer(env, argument[2], &records_length);
  if (slab == NULL || records == NULL || records_length < BATCH * RECORD || slab_length < BATCH) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", "poll needs a slab and room for 64 records");
    return NULL;
  }
  Poller *poller = calloc(1, sizeof *poller);
  if (poller == NULL) return throw_errno(env, "poll", ENOMEM);
  poller->env = env;
  poller->fd = integer(env, argument[0]);
  poller->record = records;
  size_t slot = slab_length / BATCH;
  for (int i = 0; i < BATCH; i++) {
    poller->vectors[i] = (struct iovec){.iov_base = slab + i * slot, .iov_len = slot};
    uint8_t *record = records + i * RECORD;
    poller->messages[i].msg_hdr = (struct msghdr){.msg_name = record + ADDRESS_AT,
                                                  .msg_control = record + CONTROL_AT,
                                                  .msg_iov = &poller->vectors[i],
                                                  .msg_iovlen = 1};
  }
  uv_loop_t *loop;
  napi_value name, handle;
  CHECK(napi_get_uv_event_loop(env, &loop));
  int failed = uv_poll_init(loop, &poller->handle, poller->fd);
  if (failed) {
    free(poller);
    return throw_errno(env, "poll", -failed);
  }
  poller->handle.data = poller;
  CHECK(napi_create_reference(env, argument[1], 1, &poller->slab));
  CHECK(napi_create_reference(env, argument[2], 1, &poller->records));
  CHECK(napi_create_reference(env, argument[3], 1, &poller->callback));
  CHECK(napi_create_string_utf8(env, "sockets.poll", NAPI_AUTO_LENGTH, &name));
  CHECK(napi_async_init(env, NULL, name, &poller->context));
  CHECK(napi_add_async_cleanup_hook(env, stop, poller, &poller->hook));
  uv_poll_start(&poller->handle, UV_READABLE, on_readable);
  CHECK(napi_create_external(env, poller, on_forgotten, NULL, &handle));
  return handle;
}

// unpoll(handle): stops and closes the socket; twice is once
static napi_value Unpoll(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  void *poller;
  CHECK(napi_get_value_external(env, argument[0], &poller));
  stop(NULL, poller);
  return NULL;
}

static void export(napi_env env, napi_value exports, const char *name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &function);
  napi_set_named_property(env, exports, name, function);
}

NAPI_MODULE_INIT() {
  export(env, exports, "socket", Socket);
  export(env, exports, "bind", Bind);
  export(env, exports, "setsockopt", SetSockOpt);
  export(env, exports, "attachFilter", AttachFilter);
  export(env, exports, "send", Send);
  export(env, exports, "close", Close);
  export(env, exports, "poll", Poll);
  export(env, exports, "unpoll", Unpoll);
  return exports;
}
