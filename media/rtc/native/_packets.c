/* The hot half of a packet's way, in C: what `outbox`, `way_out`, `senders`, `socket_poll`,
 * `udp_transport`, `early_packets` and `statistics` do in Python, for packets with nothing unusual.
 *
 * All state that decides is asked for at each packet, from the objects that own it, so that nobody
 * has to tell this part that something has changed. What is unusual is left to Python: untouched
 * if it came in, and as a whole packet if it is to go out.
 *
 * The GIL is kept: each system call here takes some microseconds and never waits, and a thread that
 * got the GIL between two of them would keep the pacer waiting for as long as a switch takes.
 *
 * libsrtp is pylibsrtp's own, called by the addresses of its functions (`bind`). */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#ifndef SOL_UDP
#define SOL_UDP 17
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
    LONGEST = 1500,       /* octets of a datagram, and of a packet before it is encrypted */
    LONGEST_TAG = 16,     /* octets of an authentication tag */
    TRAILER = 160,        /* octets that libsrtp may write behind a packet: 144, and alignment */
    MOST_IN_RUN = 64,     /* datagrams in one system call */
    LARGEST_RUN = 65000,  /* octets in one */
    MOST_SOCKETS = 256,   /* that are read in one round */
    LOOKED_AT = 64,       /* reads after which it is looked at whether joining is worth it */
    MANY = 16,
    FEW = 8,
    MAX_DROPOUT = 3000,   /* RFC 3550 appendix A.1, as in statistics.py */
    KEPT_ARENA = 1 << 18  /* octets of room that an outbox keeps between two turns */
};

typedef int (*Crypt)(void *session, void *packet, int *length);

static Crypt srtp_protect, srtp_unprotect;

static PyObject *name_held, *name_lane, *name_next, *name_nominated, *name_packets;
static PyObject *name_queue, *name_self, *name_send, *number_one;

/* -- what all types here share: references, which the garbage collector can follow -------------- */

enum { MOST_HELD = 10 };

typedef struct {
    PyObject_HEAD
    PyObject *held[MOST_HELD];
} Holder;

static int holder_traverse(PyObject *self, visitproc visit, void *arg)
{
    for (int at = 0; at < MOST_HELD; at++)
        Py_VISIT(((Holder *)self)->held[at]);
    return 0;
}

static int holder_clear(PyObject *self)
{
    for (int at = 0; at < MOST_HELD; at++)
        Py_CLEAR(((Holder *)self)->held[at]);
    return 0;
}

static void holder_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    holder_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static void hold(PyObject **where, PyObject *what)
{
    PyObject *before = *where;
    *where = Py_XNewRef(what);
    Py_XDECREF(before);
}

#define HOLDER_TYPE(type, label, size)                                                            \
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "callboard.media.rtc.native._packets." label,        \
    .tp_basicsize = sizeof(size), .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,            \
    .tp_new = PyType_GenericNew, .tp_traverse = holder_traverse, .tp_clear = holder_clear,        \
    .tp_dealloc = holder_dealloc

/* Give an attribute that is `expected`; -1 with an exception, 0 if it is something else. */
static int is_attribute(PyObject *object, PyObject *name, PyObject *expected)
{
    PyObject *found = PyObject_GetAttr(object, name);
    if (found == NULL)
        return -1;
    Py_DECREF(found);
    return found == expected;
}

/* -- Cipher: a session of libsrtp --------------------------------------------------------------- */

typedef struct {
    Holder base;
    void *session;
    uint32_t watched; /* the SSRC whose departures are wanted */
} Cipher;

enum { CIPHER_DEPARTURES, CIPHER_OWNER };

static PyTypeObject Cipher_Type;

static int Cipher_init(Cipher *self, PyObject *args, PyObject *named)
{
    Py_ssize_t address;
    PyObject *owner;
    (void)named;
    if (!PyArg_ParseTuple(args, "nO", &address, &owner))
        return -1;
    if (srtp_protect == NULL || address == 0) {
        PyErr_SetString(PyExc_ValueError, "there is no libsrtp, or no session of it");
        return -1;
    }
    self->session = (void *)address;
    hold(&self->base.held[CIPHER_OWNER], owner);
    return 0;
}

static PyObject *Cipher_watch(Cipher *self, PyObject *args)
{
    unsigned long ssrc;
    PyObject *departures;
    if (!PyArg_ParseTuple(args, "kO!", &ssrc, &PyList_Type, &departures))
        return NULL;
    self->watched = (uint32_t)ssrc;
    hold(&self->base.held[CIPHER_DEPARTURES], departures);
    Py_RETURN_NONE;
}

static PyMethodDef Cipher_methods[] = {
    {"watch", (PyCFunction)Cipher_watch, METH_VARARGS,
     "Add to a list when each packet of an SSRC leaves, in seconds of `time.perf_counter`."},
    {NULL},
};

static PyTypeObject Cipher_Type = {
    HOLDER_TYPE(Cipher, "Cipher", Cipher),
    .tp_methods = Cipher_methods,
    .tp_init = (initproc)Cipher_init,
    .tp_doc = "A session of libsrtp: its address, and what owns it.",
};

/* -- StreamCounter: statistics.StreamCounter ---------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    double arrival, jitter;
    long long base, counted_before, highest, leap_to, lost_before, received, reordered;
    long clock_rate;
    uint32_t timestamp;
    char has_begun;
} StreamCounter;

static PyTypeObject StreamCounter_Type;

static int StreamCounter_init(StreamCounter *self, PyObject *args, PyObject *named)
{
    (void)named;
    if (!PyArg_ParseTuple(args, "l", &self->clock_rate))
        return -1;
    if (self->clock_rate <= 0) {
        PyErr_SetString(PyExc_ValueError, "a clock rate is above 0");
        return -1;
    }
    self->leap_to = -1;
    return 0;
}

static long long counter_lost(const StreamCounter *self)
{
    if (!self->has_begun)
        return 0;
    long long missing = self->highest - self->base + 1 - (self->received - self->counted_before);
    return self->lost_before + (missing > 0 ? missing : 0);
}

static void counter_begin(StreamCounter *self, long sequence, uint32_t timestamp, double arrival)
{
    self->received++;
    self->base = self->highest = sequence;
    self->has_begun = 1;
    self->leap_to = -1;
    self->timestamp = timestamp;
    self->arrival = arrival;
}

static void counter_add(StreamCounter *self, long sequence, uint32_t timestamp, double arrival)
{
    if (!self->has_begun) {
        counter_begin(self, sequence, timestamp, arrival);
        return;
    }
    long ahead = (long)((sequence - self->highest + 0x8000) & 0xFFFF) - 0x8000;
    if (labs(ahead) > MAX_DROPOUT) {
        if (sequence == self->leap_to) {
            self->lost_before = counter_lost(self);
            self->counted_before = self->received;
            counter_begin(self, sequence, timestamp, arrival);
        } else {
            self->leap_to = (sequence + 1) & 0xFFFF;
        }
        return;
    }
    self->received++;
    if (ahead <= 0) {
        self->reordered += ahead < 0;
        return;
    }
    self->highest += ahead;
    if (timestamp == self->timestamp)
        return;
    double ticks = (int32_t)(timestamp - self->timestamp);
    double difference = arrival - self->arrival - ticks / (double)self->clock_rate;
    self->timestamp = timestamp;
    self->arrival = arrival;
    self->jitter += (fabs(difference) - self->jitter) / 16;
}

static PyObject *StreamCounter_add(StreamCounter *self, PyObject *args)
{
    long sequence;
    unsigned long timestamp;
    double arrival;
    if (!PyArg_ParseTuple(args, "lkd", &sequence, &timestamp, &arrival))
        return NULL;
    counter_add(self, sequence & 0xFFFF, (uint32_t)timestamp, arrival);
    Py_RETURN_NONE;
}

static PyObject *StreamCounter_add_next(StreamCounter *self, PyObject *args)
{
    long count, sequence;
    unsigned long timestamp;
    double arrival;
    if (!PyArg_ParseTuple(args, "llkd", &count, &sequence, &timestamp, &arrival))
        return NULL;
    if (count > 0 && self->timestamp == (uint32_t)timestamp
        && (self->highest & 0xFFFF) == sequence) {
        self->received += count;
        self->highest += count;
        Py_RETURN_NONE;
    }
    for (long number = sequence + 1; number <= sequence + count; number++)
        counter_add(self, number & 0xFFFF, (uint32_t)timestamp, arrival);
    Py_RETURN_NONE;
}

static PyObject *StreamCounter_highest(StreamCounter *self, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(self->highest);
}

static PyObject *StreamCounter_lost(StreamCounter *self, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(counter_lost(self));
}

static PyMethodDef StreamCounter_methods[] = {
    {"add", (PyCFunction)StreamCounter_add, METH_VARARGS, "See statistics.StreamCounter."},
    {"add_next", (PyCFunction)StreamCounter_add_next, METH_VARARGS, "The same."},
    {NULL},
};

static PyMemberDef StreamCounter_members[] = {
    {"clock_rate", T_LONG, offsetof(StreamCounter, clock_rate), READONLY, NULL},
    {"jitter", T_DOUBLE, offsetof(StreamCounter, jitter), READONLY, NULL},
    {"received", T_LONGLONG, offsetof(StreamCounter, received), READONLY, NULL},
    {"reordered", T_LONGLONG, offsetof(StreamCounter, reordered), READONLY, NULL},
    {NULL},
};

static PyGetSetDef StreamCounter_properties[] = {
    {"highest", (getter)StreamCounter_highest, NULL, NULL, NULL},
    {"lost", (getter)StreamCounter_lost, NULL, NULL, NULL},
    {NULL},
};

static PyTypeObject StreamCounter_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "callboard.media.rtc.native._packets.StreamCounter",
    .tp_basicsize = sizeof(StreamCounter),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)StreamCounter_init,
    .tp_methods = StreamCounter_methods,
    .tp_members = StreamCounter_members,
    .tp_getset = StreamCounter_properties,
    .tp_doc = "Counts one RTP stream as it comes in (statistics.StreamCounter).",
};

/* -- Usual: what the next packet of a stream of sound is, if nothing is unusual ----------------- */

typedef struct {
    Holder base;
    uint32_t ssrc;
    int payload_type; /* -1: nothing is usual */
} Usual;

enum { USUAL_CLOCK, USUAL_COUNTER, USUAL_SEQUENCER, USUAL_TAKE };

static PyTypeObject Usual_Type;

static int Usual_init(Usual *self, PyObject *args, PyObject *named)
{
    PyObject *clock;
    (void)named;
    if (!PyArg_ParseTuple(args, "O", &clock))
        return -1;
    self->payload_type = -1;
    hold(&self->base.held[USUAL_CLOCK], clock);
    return 0;
}

static PyObject *Usual_begin(Usual *self, PyObject *args)
{
    unsigned long ssrc;
    int payload_type;
    PyObject *counter, *sequencer, *take;
    if (!PyArg_ParseTuple(args, "kiO!OO", &ssrc, &payload_type, &StreamCounter_Type, &counter,
                          &sequencer, &take))
        return NULL;
    self->ssrc = (uint32_t)ssrc;
    self->payload_type = payload_type;
    hold(&self->base.held[USUAL_COUNTER], counter);
    hold(&self->base.held[USUAL_SEQUENCER], sequencer == Py_None ? NULL : sequencer);
    hold(&self->base.held[USUAL_TAKE], take == Py_None ? NULL : take);
    Py_RETURN_NONE;
}

static PyObject *Usual_end(Usual *self, PyObject *unused)
{
    (void)unused;
    self->payload_type = -1;
    for (int at = USUAL_COUNTER; at <= USUAL_TAKE; at++)
        Py_CLEAR(self->base.held[at]);
    Py_RETURN_NONE;
}

/* `Sequencer.passes`: 1 if the packet is due and none waits, 0 if not, -1 with an exception. */
static int sequencer_passes(PyObject *sequencer, long number)
{
    PyObject *next = PyObject_GetAttr(sequencer, name_next);
    if (next == NULL)
        return -1;
    long expected = PyLong_Check(next) ? PyLong_AsLong(next) : -1;
    Py_DECREF(next);
    if (expected != number)
        return 0;
    PyObject *held = PyObject_GetAttr(sequencer, name_held);
    if (held == NULL)
        return -1;
    Py_ssize_t waiting = PyObject_Size(held);
    Py_DECREF(held);
    if (waiting)
        return waiting < 0 ? -1 : 0;
    next = PyLong_FromLong((number + 1) & 0xFFFF);
    if (next == NULL)
        return -1;
    int failed = PyObject_SetAttr(sequencer, name_next, next);
    Py_DECREF(next);
    return failed ? -1 : 1;
}

/* Count a packet and hand its frame on: 1 if that is done, 0 if it is not usual, -1 if it failed. */
static int usual_take(Usual *self, uint32_t ssrc, int marked_type, long number, uint32_t timestamp,
                      const uint8_t *payload, Py_ssize_t length)
{
    if (self->payload_type != (marked_type & 0x7F) || self->ssrc != ssrc)
        return 0;
    PyObject *sequencer = self->base.held[USUAL_SEQUENCER];
    if (sequencer != NULL) {
        Py_INCREF(sequencer);
        int passes = sequencer_passes(sequencer, number);
        Py_DECREF(sequencer);
        if (passes <= 0)
            return passes;
    }
    PyObject *now = PyObject_CallNoArgs(self->base.held[USUAL_CLOCK]);
    if (now == NULL)
        return -1;
    double arrival = PyFloat_AsDouble(now);
    if (arrival == -1.0 && PyErr_Occurred()) {
        Py_DECREF(now);
        return -1;
    }
    if (self->base.held[USUAL_COUNTER] != NULL) /* the clock may have been Python's */
        counter_add((StreamCounter *)self->base.held[USUAL_COUNTER], number, timestamp, arrival);
    PyObject *take = self->base.held[USUAL_TAKE];
    int done = 1;
    if (take != NULL && length > 0) {
        PyObject *told[3] = {PyBytes_FromStringAndSize((const char *)payload, length),
                             PyLong_FromUnsignedLong(timestamp), now};
        Py_INCREF(take);
        PyObject *nothing =
            told[0] && told[1] ? PyObject_Vectorcall(take, told, 3, NULL) : NULL;
        Py_DECREF(take);
        done = nothing == NULL ? -1 : 1;
        Py_XDECREF(nothing);
        Py_XDECREF(told[0]);
        Py_XDECREF(told[1]);
    }
    Py_DECREF(now);
    return done;
}

static PyMethodDef Usual_methods[] = {
    {"begin", (PyCFunction)Usual_begin, METH_VARARGS,
     "Take packets of (ssrc, payload_type) from now on: count them by `counter`, in the order of\n"
     "`sequencer` (None: any), and hand (payload, timestamp, arrival) to `take` (None: nobody)."},
    {"end", (PyCFunction)Usual_end, METH_NOARGS, "Take nothing from now on."},
    {NULL},
};

static PyTypeObject Usual_Type = {
    HOLDER_TYPE(Usual, "Usual", Usual),
    .tp_init = (initproc)Usual_init,
    .tp_methods = Usual_methods,
    .tp_doc = "What the next packet of a stream of sound is, if nothing is unusual.",
};

/* -- Lane: EarlyPackets.lane -------------------------------------------------------------------- */

typedef struct {
    Holder base;
    Py_buffer room;
    vectorcallfunc vectorcall;
} Lane;

enum {
    LANE_CIPHER,
    LANE_CONNECTED,
    LANE_CUT,
    LANE_HEARD,
    LANE_STATE,
    LANE_STREAMS,
    LANE_TRANSPORT,
};

enum { TAKER_NEXT_PACKETS = 1, TAKER_ESTIMATE = 2, TAKER_USUAL = 3, TAKER_SIZE = 4 };

static PyTypeObject Lane_Type;
static PyObject *Lane_call(PyObject *self, PyObject *const *args, size_t flags, PyObject *names);

static int Lane_init(Lane *self, PyObject *args, PyObject *named)
{
    PyObject *room, *cut, *cipher, *transport, *state, *connected, *heard, *streams;
    (void)named;
    if (self->room.obj != NULL) {
        PyErr_SetString(PyExc_TypeError, "it has begun already");
        return -1;
    }
    if (!PyArg_ParseTuple(args, "OOO!OUOO!O!", &room, &cut, &Cipher_Type, &cipher, &transport,
                          &state, &connected, &PySet_Type, &heard, &PyDict_Type, &streams))
        return -1;
    if (PyObject_GetBuffer(room, &self->room, PyBUF_WRITABLE) < 0)
        return -1;
    self->vectorcall = Lane_call;
    PyObject **held = self->base.held;
    hold(&held[LANE_CIPHER], cipher);
    hold(&held[LANE_CONNECTED], connected);
    hold(&held[LANE_CUT], cut);
    hold(&held[LANE_HEARD], heard);
    hold(&held[LANE_STATE], state);
    hold(&held[LANE_STREAMS], streams);
    hold(&held[LANE_TRANSPORT], transport);
    return 0;
}

static void Lane_dealloc(Lane *self)
{
    PyObject_GC_UnTrack(self);
    PyBuffer_Release(&self->room);
    holder_clear((PyObject *)self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static uint32_t read32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Octets before the payload; 0 if the packet is unusual or has no room for it. */
static Py_ssize_t head_length(const uint8_t *packet, Py_ssize_t length)
{
    if (packet[0] == 0x80)
        return 12;
    if (packet[0] != 0x90 || length < 16)
        return 0;
    return 16 + 4 * (packet[14] << 8 | packet[15]);
}

/* Add (start, stop) to a list. */
static int add_place(PyObject *places, Py_ssize_t start, Py_ssize_t stop)
{
    PyObject *place = Py_BuildValue("nn", start, stop);
    if (place == NULL)
        return -1;
    int failed = PyList_Append(places, place);
    Py_DECREF(place);
    return failed;
}

/* Who takes a stream (borrowed by the caller's reference); NULL without an exception: nobody now. */
static PyObject *lane_taker(Lane *self, uint32_t ssrc)
{
    PyObject **held = self->base.held;
    PyObject *key = PyLong_FromUnsignedLong(ssrc);
    if (key == NULL)
        return NULL;
    PyObject *taker = PyDict_GetItemWithError(held[LANE_STREAMS], key);
    Py_XINCREF(taker);
    int is_heard = taker == NULL ? 0 : PySet_Contains(held[LANE_HEARD], key);
    Py_DECREF(key);
    if (is_heard > 0)
        is_heard = is_attribute(held[LANE_TRANSPORT], held[LANE_STATE], held[LANE_CONNECTED]);
    if (is_heard > 0 && PyTuple_Check(taker) && PyTuple_GET_SIZE(taker) == TAKER_SIZE)
        return taker;
    Py_XDECREF(taker);
    return NULL;
}

/* Let Python take a run: what counts it, and what estimates the bit rate. */
static int tell_taker(Lane *self, PyObject *taker, uint32_t ssrc, int marked_type, long number,
                      uint32_t timestamp, Py_ssize_t head, PyObject *places)
{
    PyObject *nothing = PyObject_CallFunction(PyTuple_GET_ITEM(taker, TAKER_NEXT_PACKETS), "kilkO",
                                              (unsigned long)ssrc, marked_type, number,
                                              (unsigned long)timestamp, places);
    Py_XDECREF(nothing);
    PyObject *estimate = PyTuple_GET_ITEM(taker, TAKER_ESTIMATE);
    if (nothing == NULL || estimate == Py_None)
        return nothing == NULL ? -1 : 0;
    nothing = PyObject_CallMethod(estimate, "next_packets", "kOnO", (unsigned long)ssrc,
                                  self->base.held[LANE_CUT], head - 12, places);
    Py_XDECREF(nothing);
    return nothing == NULL ? -1 : 0;
}

/* Take a run from what lies in the room between `at` and `length`, in datagrams of `size`.
 * Returns where the first one begins that is not done with; -1 with an exception. */
static Py_ssize_t lane_take(Lane *self, Py_ssize_t at, Py_ssize_t length, Py_ssize_t size)
{
    uint8_t *octets = self->room.buf;
    if (length - at < 12 || length > self->room.len || at < 0 || size < 1)
        return at;
    uint8_t flags = octets[at];
    int marked_type = octets[at + 1];
    long number = octets[at + 2] << 8 | octets[at + 3], first = number;
    uint32_t timestamp = read32(octets + at + 4), ssrc = read32(octets + at + 8);
    Py_ssize_t head = head_length(octets + at, length - at);
    if (head == 0 || (191 < marked_type && marked_type < 224))
        return at;
    PyObject *taker = lane_taker(self, ssrc);
    if (taker == NULL)
        return PyErr_Occurred() ? -1 : at;
    PyObject *places = NULL;
    Py_ssize_t count = 0, start = 0, stop = 0;
    int failed = 0;
    Cipher *cipher = (Cipher *)self->base.held[LANE_CIPHER];
    for (;;) {
        Py_ssize_t end = size < length - at ? at + size : length;
        if (end - at < head + LONGEST_TAG || end - at > LONGEST)
            break;
        /* libsrtp wants a multiple of four; what is before it is needed no more. */
        Py_ssize_t begin = at & ~(Py_ssize_t)3;
        int octets_left = (int)(end - at);
        if (begin != at)
            memmove(octets + begin, octets + at, (size_t)octets_left);
        if (srtp_unprotect(cipher->session, octets + begin, &octets_left) != 0) {
            at = end; /* forged or repeated: nobody is to see it */
            break;
        }
        if (count == 1 && places == NULL) {
            places = PyList_New(0);
            failed = places == NULL || add_place(places, start, stop);
        }
        start = begin + head;
        stop = begin + octets_left;
        if (!failed && places != NULL)
            failed = add_place(places, start, stop);
        if (failed)
            break;
        count++;
        at = end;
        number = (number + 1) & 0xFFFF;
        if (at == length || marked_type > 0x7F || length - at < 12)
            break;
        const uint8_t *next = octets + at;
        if ((next[1] & 0x7F) != marked_type || next[0] != flags
            || (next[2] << 8 | next[3]) != number || read32(next + 4) != timestamp
            || read32(next + 8) != ssrc || head_length(next, length - at) != head)
            break;
        marked_type = next[1];
    }
    if (!failed && count == 1 && Py_IS_TYPE(PyTuple_GET_ITEM(taker, TAKER_USUAL), &Usual_Type)) {
        Usual *usual = (Usual *)PyTuple_GET_ITEM(taker, TAKER_USUAL);
        int taken = usual_take(usual, ssrc, marked_type, first, timestamp, octets + start,
                               stop - start);
        failed = taken < 0;
        count = taken == 0;
    }
    if (!failed && count == 1 && places == NULL) {
        places = PyList_New(0);
        failed = places == NULL || add_place(places, start, stop);
    }
    if (!failed && count)
        failed = tell_taker(self, taker, ssrc, marked_type, first, timestamp, head, places);
    Py_XDECREF(places);
    Py_DECREF(taker);
    return failed ? -1 : at;
}

static PyObject *Lane_call(PyObject *self, PyObject *const *args, size_t flags, PyObject *names)
{
    if (PyVectorcall_NARGS(flags) != 3 || names != NULL) {
        PyErr_SetString(PyExc_TypeError, "a lane takes a start, an end and a size");
        return NULL;
    }
    Py_ssize_t given[3];
    for (int at = 0; at < 3; at++) {
        given[at] = PyLong_AsSsize_t(args[at]);
        if (given[at] == -1 && PyErr_Occurred())
            return NULL;
    }
    Py_ssize_t at = lane_take((Lane *)self, given[0], given[1], given[2]);
    return at < 0 && PyErr_Occurred() ? NULL : PyLong_FromSsize_t(at);
}

static PyTypeObject Lane_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "callboard.media.rtc.native._packets.Lane",
    .tp_basicsize = sizeof(Lane),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)Lane_init,
    .tp_traverse = holder_traverse,
    .tp_clear = holder_clear,
    .tp_dealloc = (destructor)Lane_dealloc,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(Lane, vectorcall),
    .tp_doc = "The usual packets of known RTP streams (EarlyPackets.lane).",
};

/* -- Port: a UDP socket ------------------------------------------------------------------------- */

typedef struct {
    Holder base;
    Py_buffer room;
    vectorcallfunc vectorcall;
    struct sockaddr_storage from; /* of what was read last */
    socklen_t from_length;
    int file;          /* -1: closed */
    int bursts, reads; /* of the reads since it was looked at */
    unsigned long long turn;
    char is_closing;   /* nothing is read any more */
    char is_waiting;   /* something waits in Python for room in the socket's buffer */
    char are_joined;
    char segments;     /* the kernel cuts what is sent into datagrams */
} Port;

enum {
    PORT_ADDRESS,  /* as Python's socket would give it */
    PORT_FAILED,
    PORT_HEARD,
    PORT_KEY,      /* host and port alone */
    PORT_NOT_UNDERSTOOD,
    PORT_RECEIVED,
    PORT_RECEIVER,
};

static PyTypeObject Port_Type;
static PyObject *Port_call(PyObject *self, PyObject *const *args, size_t flags, PyObject *names);

static unsigned long long turn_of_reading;

static int Port_init(Port *self, PyObject *args, PyObject *named)
{
    PyObject *room, *received, *failed;
    (void)named;
    if (self->room.obj != NULL) {
        PyErr_SetString(PyExc_TypeError, "it has begun already");
        return -1;
    }
    self->file = -1;
    int file;
    if (!PyArg_ParseTuple(args, "iOOO", &file, &room, &received, &failed))
        return -1;
    if (PyObject_GetBuffer(room, &self->room, PyBUF_WRITABLE) < 0)
        return -1;
    self->file = file;
    self->vectorcall = Port_call;
    hold(&self->base.held[PORT_RECEIVED], received);
    hold(&self->base.held[PORT_FAILED], failed);
    return 0;
}

static void Port_dealloc(Port *self)
{
    PyObject_GC_UnTrack(self);
    PyBuffer_Release(&self->room);
    holder_clear((PyObject *)self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *Port_admit(Port *self, PyObject *args)
{
    PyObject *heard, *receiver, *not_understood;
    if (!PyArg_ParseTuple(args, "O!OO", &PyDict_Type, &heard, &receiver, &not_understood))
        return NULL;
    hold(&self->base.held[PORT_HEARD], heard);
    hold(&self->base.held[PORT_RECEIVER], receiver);
    hold(&self->base.held[PORT_NOT_UNDERSTOOD], not_understood);
    Py_RETURN_NONE;
}

/* Learn where a datagram came from; -1 with an exception. */
static int port_from(Port *self, const struct sockaddr_storage *from, socklen_t length)
{
    if (self->base.held[PORT_KEY] != NULL && length == self->from_length
        && memcmp(from, &self->from, length) == 0)
        return 0;
    char host[INET6_ADDRSTRLEN] = "";
    PyObject *address, *key;
    if (from->ss_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)from;
        inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
        address = Py_BuildValue("si", host, ntohs(four->sin_port));
        key = Py_XNewRef(address);
    } else if (from->ss_family == AF_INET6 && length >= sizeof(struct sockaddr_in6)) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)from;
        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
        address = Py_BuildValue("siII", host, ntohs(six->sin6_port), ntohl(six->sin6_flowinfo),
                                six->sin6_scope_id);
        key = Py_BuildValue("si", host, ntohs(six->sin6_port));
    } else {
        address = Py_BuildValue("si", "", 0); /* nobody: what comes from there is a stranger's */
        key = Py_XNewRef(address);
    }
    if (address != NULL && key != NULL) {
        self->from = *from;
        self->from_length = length;
        hold(&self->base.held[PORT_ADDRESS], address);
        hold(&self->base.held[PORT_KEY], key);
    }
    Py_XDECREF(address);
    Py_XDECREF(key);
    return address != NULL && key != NULL ? 0 : -1;
}

/* Have the kernel join datagrams where bursts come; `UdpTransport._count`. */
static void port_count(Port *self, int is_burst)
{
    int one = 1, zero = 0;
    self->reads++;
    self->bursts += is_burst;
    if (self->bursts == MANY && !self->are_joined) {
        self->are_joined = setsockopt(self->file, SOL_UDP, UDP_GRO, &one, sizeof one) == 0;
        self->reads = self->bursts = 0;
    } else if (self->reads >= LOOKED_AT) {
        if (self->are_joined && self->bursts < FEW)
            self->are_joined = setsockopt(self->file, SOL_UDP, UDP_GRO, &zero, sizeof zero) != 0;
        self->reads = self->bursts = 0;
    }
}

/* The lane that takes what came from that address now (a new reference); NULL without an exception:
 * none. `Socket.packets_received`. */
static Lane *port_lane(Port *self)
{
    PyObject **held = self->base.held;
    if (held[PORT_RECEIVER] == NULL)
        return NULL;
    if (PyDict_Contains(held[PORT_HEARD], held[PORT_KEY]) <= 0)
        return NULL;
    PyObject *queue = PyObject_GetAttr(held[PORT_RECEIVER], name_queue);
    if (queue == NULL)
        return NULL;
    PyObject *lane = PyObject_GetAttr(queue, name_lane);
    PyObject *packets = lane == NULL ? NULL : PyObject_GetAttr(queue, name_packets);
    Py_DECREF(queue);
    int is_free = packets == NULL ? 0 : PyObject_Not(packets);
    Py_XDECREF(packets);
    if (is_free > 0 && Py_IS_TYPE(lane, &Lane_Type)
        && ((Lane *)lane)->room.buf == self->room.buf)
        return (Lane *)lane;
    Py_XDECREF(lane);
    return NULL;
}

/* Tell of the exception that is set; what was read is done with. */
static int port_not_understood(Port *self)
{
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    PyObject *tell = self->base.held[PORT_NOT_UNDERSTOOD];
    if (tell == NULL || !PyObject_IsInstance(error, PyExc_Exception)) {
        PyErr_Restore(type, error, trace);
        return -1;
    }
    PyObject *nothing = PyObject_CallOneArg(tell, error);
    Py_XDECREF(nothing);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(trace);
    return nothing == NULL ? -1 : 0;
}

/* Read once; -1 with an exception. */
static int port_read(Port *self)
{
    struct sockaddr_storage from;
    union {
        struct cmsghdr aligned;
        char octets[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec where = {self->room.buf, (size_t)self->room.len};
    struct msghdr message = {
        .msg_name = &from,
        .msg_namelen = sizeof from,
        .msg_iov = &where,
        .msg_iovlen = 1,
        .msg_control = self->are_joined ? &control : NULL,
        .msg_controllen = self->are_joined ? sizeof control : 0,
    };
    if (self->file < 0 || self->is_closing)
        return 0;
    memset(&from, 0, sizeof from);
    Py_ssize_t length = recvmsg(self->file, &message, MSG_DONTWAIT);
    if (length < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
            return 0;
        PyObject *nothing =
            PyObject_CallFunction(self->base.held[PORT_FAILED], "i", errno);
        Py_XDECREF(nothing);
        return nothing == NULL ? -1 : 0;
    }
    Py_ssize_t size = length;
    if (self->are_joined) {
        for (struct cmsghdr *told = CMSG_FIRSTHDR(&message); told != NULL;
             told = CMSG_NXTHDR(&message, told)) {
            int segment = 0;
            if (told->cmsg_level == SOL_UDP && told->cmsg_type == UDP_GRO
                && told->cmsg_len >= CMSG_LEN(sizeof segment)) {
                memcpy(&segment, CMSG_DATA(told), sizeof segment);
                if (segment > 0)
                    size = segment;
            }
        }
        port_count(self, size < length);
    } else {
        port_count(self, self->turn == turn_of_reading);
        self->turn = turn_of_reading;
    }
    if (port_from(self, &from, message.msg_namelen) < 0)
        return -1;
    Py_ssize_t at = 0;
    while (at < length) {
        Lane *lane = port_lane(self); /* asked for each run: one may close what takes the next */
        if (lane == NULL) {
            if (PyErr_Occurred() && port_not_understood(self) < 0)
                return -1;
            break;
        }
        Py_ssize_t taken = lane_take(lane, at, length, size);
        Py_DECREF(lane);
        if (taken < 0)
            return port_not_understood(self);
        if (taken == at)
            break;
        at = taken;
        if (self->is_closing)
            return 0;
    }
    if (at >= length && length > 0)
        return 0;
    PyObject *nothing = PyObject_CallFunction(self->base.held[PORT_RECEIVED], "nnnO", at, length,
                                              size, self->base.held[PORT_ADDRESS]);
    Py_XDECREF(nothing);
    return nothing == NULL ? -1 : 0;
}

static PyObject *Port_call(PyObject *self, PyObject *const *args, size_t flags, PyObject *names)
{
    (void)args;
    if (PyVectorcall_NARGS(flags) != 0 || names != NULL) {
        PyErr_SetString(PyExc_TypeError, "a port is read without arguments");
        return NULL;
    }
    if (port_read((Port *)self) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *Port_close(Port *self, PyObject *unused)
{
    (void)unused;
    self->file = -1;
    Py_RETURN_NONE;
}

static PyMethodDef Port_methods[] = {
    {"admit", (PyCFunction)Port_admit, METH_VARARGS,
     "Let packets from addresses that are in `heard` go the lane of `receiver`'s queue; tell what\n"
     "that raises."},
    {"close", (PyCFunction)Port_close, METH_NOARGS, "Touch the descriptor no more."},
    {NULL},
};

static PyMemberDef Port_members[] = {
    {"are_joined", T_BOOL, offsetof(Port, are_joined), 0, NULL},
    {"is_closing", T_BOOL, offsetof(Port, is_closing), 0, NULL},
    {"is_waiting", T_BOOL, offsetof(Port, is_waiting), 0, NULL},
    {"segments", T_BOOL, offsetof(Port, segments), 0, NULL},
    {NULL},
};

static PyTypeObject Port_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "callboard.media.rtc.native._packets.Port",
    .tp_basicsize = sizeof(Port),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)Port_init,
    .tp_traverse = holder_traverse,
    .tp_clear = holder_clear,
    .tp_dealloc = (destructor)Port_dealloc,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(Port, vectorcall),
    .tp_methods = Port_methods,
    .tp_members = Port_members,
    .tp_doc = "A UDP socket: (file, room, received, failed). Called, it is read once.",
};

static PyObject *read_ready(PyObject *module, PyObject *args)
{
    int file, is_new_turn;
    PyObject *readers, *failed;
    struct epoll_event found[MOST_SOCKETS];
    (void)module;
    if (!PyArg_ParseTuple(args, "iO!Op", &file, &PyDict_Type, &readers, &failed, &is_new_turn))
        return NULL;
    turn_of_reading += is_new_turn;
    int count = epoll_wait(file, found, MOST_SOCKETS, 0);
    if (count < 0)
        return errno == EINTR ? PyLong_FromLong(0) : PyErr_SetFromErrno(PyExc_OSError);
    Py_INCREF(readers);
    for (int at = 0; at < count; at++) {
        PyObject *key = PyLong_FromLong(found[at].data.fd);
        PyObject *read = key == NULL ? NULL : PyDict_GetItemWithError(readers, key);
        Py_XDECREF(key);
        if (read == NULL) {
            if (PyErr_Occurred())
                break;
            continue; /* one that was read before it has closed it */
        }
        Py_INCREF(read);
        int done = 0;
        if (Py_IS_TYPE(read, &Port_Type)) {
            done = port_read((Port *)read);
        } else {
            PyObject *nothing = PyObject_CallNoArgs(read);
            Py_XDECREF(nothing);
            done = nothing == NULL ? -1 : 0;
        }
        Py_DECREF(read);
        if (done < 0) {
            if (!PyErr_ExceptionMatches(PyExc_Exception))
                break;
            PyObject *type, *error, *trace;
            PyErr_Fetch(&type, &error, &trace);
            PyErr_NormalizeException(&type, &error, &trace);
            PyObject *nothing = PyObject_CallOneArg(failed, error);
            Py_XDECREF(type);
            Py_XDECREF(error);
            Py_XDECREF(trace);
            Py_XDECREF(nothing);
            if (nothing == NULL)
                break;
        }
    }
    Py_DECREF(readers);
    return PyErr_Occurred() ? NULL : PyLong_FromLong(count);
}

/* -- Exit: where packets leave ------------------------------------------------------------------ */

typedef struct {
    Holder base;
    struct sockaddr_storage to;
    socklen_t to_length; /* 0: there is no port, and Python sends */
} Exit;

enum { EXIT_ADDRESS, EXIT_PORT, EXIT_SEND, EXIT_SEND_BURST };

static PyTypeObject Exit_Type;

static int Exit_init(Exit *self, PyObject *args, PyObject *named)
{
    PyObject *port, *address, *send, *send_burst;
    (void)named;
    if (!PyArg_ParseTuple(args, "OOOO", &port, &address, &send, &send_burst))
        return -1;
    PyObject **held = self->base.held;
    hold(&held[EXIT_ADDRESS], address);
    hold(&held[EXIT_PORT], port);
    hold(&held[EXIT_SEND], send);
    hold(&held[EXIT_SEND_BURST], send_burst);
    self->to_length = 0;
    if (!Py_IS_TYPE(port, &Port_Type) || !PyTuple_Check(address) || PyTuple_GET_SIZE(address) != 2)
        return 0;
    const char *host = PyUnicode_Check(PyTuple_GET_ITEM(address, 0))
                           ? PyUnicode_AsUTF8(PyTuple_GET_ITEM(address, 0))
                           : NULL;
    long number = host == NULL ? -1 : PyLong_AsLong(PyTuple_GET_ITEM(address, 1));
    PyErr_Clear();
    if (number < 0 || number > 0xFFFF)
        return 0;
    /* An address with a scope or a name is Python's to look up. */
    struct sockaddr_in *four = (struct sockaddr_in *)&self->to;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&self->to;
    memset(&self->to, 0, sizeof self->to);
    struct sockaddr_storage own;
    socklen_t length = sizeof own;
    if (getsockname(((Port *)port)->file, (struct sockaddr *)&own, &length) < 0)
        return 0;
    if (own.ss_family == AF_INET && inet_pton(AF_INET, host, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)number);
        self->to_length = sizeof *four;
    } else if (own.ss_family == AF_INET6 && inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((uint16_t)number);
        self->to_length = sizeof *six;
    }
    return 0;
}

static PyTypeObject Exit_Type = {
    HOLDER_TYPE(Exit, "Exit", Exit),
    .tp_init = (initproc)Exit_init,
    .tp_doc = "Where packets leave: (port or None, address, send, send_burst).",
};

/* -- Outbox: outbox.Outbox ---------------------------------------------------------------------- */

/* What leaves: `packet` (bytes, or a tuple of them) by a Cipher and an Exit; or whatever Python's
 * `protect` takes, by its `send` to `address`. */
typedef struct {
    PyObject *protect, *packet, *way, *address;
    uint8_t *at; /* encrypted, one packet behind the other, each at a multiple of 16 */
    int count;   /* packets; 0: it is dropped, -1: it is Python's, and `packet` is encrypted */
} Entry;

typedef struct {
    Holder base;
    Entry *entries;
    Py_ssize_t count, room;
    uint8_t *arena;
    Py_ssize_t arena_size;
} Outbox;

enum { OUTBOX_AT_END, OUTBOX_FAILED, OUTBOX_FLUSH };

static PyTypeObject Outbox_Type;

static int Outbox_init(Outbox *self, PyObject *args, PyObject *named)
{
    PyObject *at_end, *failed;
    (void)named;
    if (!PyArg_ParseTuple(args, "OO", &at_end, &failed))
        return -1;
    hold(&self->base.held[OUTBOX_AT_END], at_end);
    hold(&self->base.held[OUTBOX_FAILED], failed);
    return 0;
}

static void entry_clear(Entry *entry)
{
    Py_CLEAR(entry->protect);
    Py_CLEAR(entry->packet);
    Py_CLEAR(entry->way);
    Py_CLEAR(entry->address);
}

static int Outbox_traverse(PyObject *self, visitproc visit, void *arg)
{
    Outbox *outbox = (Outbox *)self;
    for (Py_ssize_t at = 0; at < outbox->count; at++) {
        Py_VISIT(outbox->entries[at].protect);
        Py_VISIT(outbox->entries[at].packet);
        Py_VISIT(outbox->entries[at].way);
        Py_VISIT(outbox->entries[at].address);
    }
    return holder_traverse(self, visit, arg);
}

static int Outbox_clear(PyObject *self)
{
    Outbox *outbox = (Outbox *)self;
    Entry *entries = outbox->entries;
    Py_ssize_t count = outbox->count;
    outbox->entries = NULL;
    outbox->count = outbox->room = 0;
    for (Py_ssize_t at = 0; at < count; at++)
        entry_clear(&entries[at]);
    PyMem_Free(entries);
    return holder_clear(self);
}

static void Outbox_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    Outbox_clear(self);
    PyMem_Free(((Outbox *)self)->arena);
    Py_TYPE(self)->tp_free(self);
}

/* Take what leaves at the end of the pacer's turn; -1 with an exception. */
static int outbox_put(Outbox *self, PyObject *protect, PyObject *packet, PyObject *way,
                      PyObject *address)
{
    if (self->count == self->room) {
        Py_ssize_t room = self->room ? 2 * self->room : 64;
        Entry *entries = PyMem_Realloc(self->entries, (size_t)room * sizeof *entries);
        if (entries == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        self->entries = entries;
        self->room = room;
    }
    self->entries[self->count++] = (Entry){Py_NewRef(protect), Py_NewRef(packet), Py_NewRef(way),
                                           Py_XNewRef(address), NULL, 0};
    if (self->count > 1)
        return 0;
    if (self->base.held[OUTBOX_FLUSH] == NULL) {
        self->base.held[OUTBOX_FLUSH] = PyObject_GetAttrString((PyObject *)self, "flush");
        if (self->base.held[OUTBOX_FLUSH] == NULL)
            return -1;
    }
    PyObject *nothing =
        PyObject_CallOneArg(self->base.held[OUTBOX_AT_END], self->base.held[OUTBOX_FLUSH]);
    Py_XDECREF(nothing);
    return nothing == NULL ? -1 : 0;
}

static PyObject *Outbox_put(Outbox *self, PyObject *args)
{
    PyObject *protect, *packet, *send, *address;
    if (!PyArg_ParseTuple(args, "OOOO", &protect, &packet, &send, &address))
        return NULL;
    if (outbox_put(self, protect, packet, send, address) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* Tell of the exception that is set: a packet is dropped. */
static int outbox_failed(Outbox *self, const char *what)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception))
        return -1;
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    if (trace != NULL)
        PyException_SetTraceback(error, trace);
    PyObject *nothing = PyObject_CallFunction(self->base.held[OUTBOX_FAILED], "sO", what, error);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(trace);
    Py_XDECREF(nothing);
    return nothing == NULL ? -1 : 0;
}

static int is_ours(const Entry *entry)
{
    return Py_IS_TYPE(entry->protect, &Cipher_Type);
}

static Py_ssize_t packets_of(const Entry *entry)
{
    return PyTuple_Check(entry->packet) ? PyTuple_GET_SIZE(entry->packet) : 1;
}

static PyObject *packet_of(const Entry *entry, Py_ssize_t number)
{
    return PyTuple_Check(entry->packet) ? PyTuple_GET_ITEM(entry->packet, number) : entry->packet;
}

/* An encrypted packet lies in the arena behind its length. */
static const Py_ssize_t PACKET_HEAD = 16;

static Py_ssize_t slot(Py_ssize_t length)
{
    return PACKET_HEAD + ((length + TRAILER + 15) & ~(Py_ssize_t)15);
}

static int *length_at(uint8_t *at)
{
    return (int *)(void *)at;
}

/* Octets of the arena that an entry needs; -1 with an exception if it can't be sent. */
static Py_ssize_t entry_size(const Entry *entry)
{
    Py_ssize_t size = 0;
    for (Py_ssize_t number = 0; number < packets_of(entry); number++) {
        PyObject *packet = packet_of(entry, number);
        if (!PyBytes_Check(packet)) {
            PyErr_SetString(PyExc_TypeError, "a packet is bytes");
            return -1;
        }
        if (PyBytes_GET_SIZE(packet) > LONGEST || PyBytes_GET_SIZE(packet) < 12) {
            PyErr_Format(PyExc_ValueError, "a packet of %zd octets can't be sent: give 12 to %d",
                         PyBytes_GET_SIZE(packet), LONGEST);
            return -1;
        }
        size += slot(PyBytes_GET_SIZE(packet));
    }
    return size;
}

static int tell_departure(const Cipher *cipher, const uint8_t *packet)
{
    PyObject *departures = cipher->base.held[CIPHER_DEPARTURES];
    if (departures == NULL || cipher->watched != read32(packet + 8))
        return 0;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    PyObject *at = PyFloat_FromDouble((double)now.tv_sec + (double)now.tv_nsec / 1e9);
    if (at == NULL)
        return -1;
    int failed = PyList_Append(departures, at);
    Py_DECREF(at);
    return failed;
}

/* Encrypt an entry's packets in their order; -1 with an exception if libsrtp refuses. */
static int entry_protect(Entry *entry, uint8_t *at)
{
    void *session = ((Cipher *)entry->protect)->session;
    Py_ssize_t count = packets_of(entry);
    entry->at = at;
    for (Py_ssize_t number = 0; number < count; number++) {
        PyObject *packet = packet_of(entry, number);
        int length = (int)PyBytes_GET_SIZE(packet);
        uint8_t *octets = at + PACKET_HEAD;
        memcpy(octets, PyBytes_AS_STRING(packet), (size_t)length);
        at += slot(length);
        int status = srtp_protect(session, octets, &length);
        if (status != 0) {
            PyErr_Format(PyExc_ValueError, "libsrtp refuses a packet, and says %d", status);
            return -1;
        }
        *length_at(octets - PACKET_HEAD) = length;
        if (tell_departure((Cipher *)entry->protect, octets) < 0)
            return -1;
    }
    entry->count = (int)count;
    return 0;
}

/* Leave encrypted packets to Python: the socket is busy, or says no, or there is none. */
static int send_slowly(Exit *way, uint8_t *const *octets, int count, int is_burst)
{
    PyObject *nothing;
    if (!is_burst) {
        nothing = PyObject_CallFunction(way->base.held[EXIT_SEND], "y#O", octets[0] + PACKET_HEAD,
                                        (Py_ssize_t)*length_at(octets[0]),
                                        way->base.held[EXIT_ADDRESS]);
    } else {
        PyObject *datagrams = PyList_New(count);
        if (datagrams == NULL)
            return -1;
        for (int number = 0; number < count; number++) {
            PyObject *datagram = PyBytes_FromStringAndSize(
                (char *)octets[number] + PACKET_HEAD, *length_at(octets[number]));
            if (datagram == NULL) {
                Py_DECREF(datagrams);
                return -1;
            }
            PyList_SET_ITEM(datagrams, number, datagram);
        }
        nothing = PyObject_CallFunctionObjArgs(way->base.held[EXIT_SEND_BURST], datagrams,
                                               way->base.held[EXIT_ADDRESS], NULL);
        Py_DECREF(datagrams);
    }
    Py_XDECREF(nothing);
    return nothing == NULL ? -1 : 0;
}

static int send_run(Port *port, Exit *way, uint8_t *const *octets, int count)
{
    struct iovec where[MOST_IN_RUN];
    union {
        struct cmsghdr aligned;
        char octets[CMSG_SPACE(sizeof(uint16_t))];
    } control;
    struct msghdr message = {
        .msg_name = &way->to,
        .msg_namelen = way->to_length,
        .msg_iov = where,
        .msg_iovlen = (size_t)count,
    };
    for (int number = 0; number < count; number++) {
        where[number].iov_base = octets[number] + PACKET_HEAD;
        where[number].iov_len = (size_t)*length_at(octets[number]);
    }
    if (count > 1) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *told = CMSG_FIRSTHDR(&message);
        uint16_t size = (uint16_t)*length_at(octets[0]);
        told->cmsg_level = SOL_UDP;
        told->cmsg_type = UDP_SEGMENT;
        told->cmsg_len = CMSG_LEN(sizeof size);
        memcpy(CMSG_DATA(told), &size, sizeof size);
    }
    return sendmsg(port->file, &message, MSG_DONTWAIT) < 0 ? -1 : 0;
}

/* Send an entry's packets: those of one size, and a shorter one behind them, in one call. */
static int entry_send(const Entry *entry)
{
    Exit *way = (Exit *)entry->way;
    Port *port = (Port *)way->base.held[EXIT_PORT];
    int is_burst = PyTuple_Check(entry->packet);
    uint8_t *at = entry->at, *octets[MOST_IN_RUN];
    for (int sent = 0; sent < entry->count;) {
        int count = 0, size = 0;
        Py_ssize_t total = 0;
        while (sent + count < entry->count && count < MOST_IN_RUN) {
            int length = *length_at(at);
            if (count && (length > size || total + length > LARGEST_RUN))
                break;
            size = count ? size : length;
            total += length;
            octets[count++] = at;
            at += slot((Py_ssize_t)PyBytes_GET_SIZE(packet_of(entry, sent + count - 1)));
            if (length < size)
                break;
        }
        int is_direct = way->to_length && port->file >= 0 && !port->is_waiting
                        && (count == 1 || port->segments);
        if ((!is_direct || send_run(port, way, octets, count) < 0)
            && send_slowly(way, octets, count, is_burst) < 0)
            return -1;
        sent += count;
    }
    return 0;
}

/* Encrypt and send; -1 with an exception that is not to be told of, as KeyboardInterrupt. */
static int entries_leave(Outbox *self, Entry *entries, Py_ssize_t count, uint8_t *arena)
{
    for (Py_ssize_t at = 0; at < count; at++) {
        Entry *entry = &entries[at];
        int failed;
        if (is_ours(entry)) {
            Py_ssize_t size = entry_size(entry);
            failed = size < 0 || entry_protect(entry, arena) < 0;
            arena += size < 0 ? 0 : size;
        } else {
            PyObject *encrypted = PyObject_CallOneArg(entry->protect, entry->packet);
            failed = encrypted == NULL;
            entry->count = failed ? 0 : -1;
            hold(&entry->packet, encrypted);
            Py_XDECREF(encrypted);
        }
        if (failed && outbox_failed(self, "A packet can't be encrypted, and is dropped") < 0)
            return -1;
    }
    for (Py_ssize_t at = 0; at < count; at++) {
        const Entry *entry = &entries[at];
        int failed = 0;
        if (entry->count > 0) {
            failed = entry_send(entry);
        } else if (entry->count < 0) {
            PyObject *nothing =
                PyObject_CallFunctionObjArgs(entry->way, entry->packet, entry->address, NULL);
            Py_XDECREF(nothing);
            failed = nothing == NULL;
        }
        if (failed && outbox_failed(self, "A packet can't be sent, and is dropped") < 0)
            return -1;
    }
    return 0;
}

static PyObject *Outbox_flush(Outbox *self, PyObject *unused)
{
    (void)unused;
    /* What is called from here may put more, and have it sent at once: all is taken away first. */
    Entry *entries = self->entries;
    Py_ssize_t count = self->count, room = self->room, needed = 0;
    uint8_t *arena = self->arena;
    Py_ssize_t arena_size = self->arena_size;
    self->entries = NULL;
    self->arena = NULL;
    self->count = self->room = self->arena_size = 0;
    for (Py_ssize_t at = 0; at < count; at++) {
        Py_ssize_t size = is_ours(&entries[at]) ? entry_size(&entries[at]) : 0;
        if (size < 0)
            PyErr_Clear(); /* told of when it is its turn */
        else
            needed += size;
    }
    int failed = 0;
    if (needed > arena_size) {
        PyMem_Free(arena);
        arena = PyMem_Malloc((size_t)needed);
        arena_size = arena == NULL ? 0 : needed;
        if (arena == NULL) {
            PyErr_NoMemory();
            failed = -1;
        }
    }
    if (!failed)
        failed = entries_leave(self, entries, count, arena);
    for (Py_ssize_t at = 0; at < count; at++)
        entry_clear(&entries[at]);
    if (self->entries == NULL) {
        self->entries = entries;
        self->room = room;
    } else {
        PyMem_Free(entries);
    }
    if (self->arena == NULL && arena_size <= KEPT_ARENA) {
        self->arena = arena;
        self->arena_size = arena_size;
    } else {
        PyMem_Free(arena);
    }
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef Outbox_methods[] = {
    {"flush", (PyCFunction)Outbox_flush, METH_NOARGS, "Encrypt all, then send all."},
    {"put", (PyCFunction)Outbox_put, METH_VARARGS, "See outbox.Outbox."},
    {NULL},
};

static PyTypeObject Outbox_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "callboard.media.rtc.native._packets.Outbox",
    .tp_basicsize = sizeof(Outbox),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)Outbox_init,
    .tp_traverse = Outbox_traverse,
    .tp_clear = Outbox_clear,
    .tp_dealloc = Outbox_dealloc,
    .tp_methods = Outbox_methods,
    .tp_doc = "What leaves in one turn of the pacer: (at_end, failed).",
};

/* -- WayOut: way_out.WayOut --------------------------------------------------------------------- */

typedef struct {
    Holder base;
} WayOut;

enum {
    WAY_CIPHER, /* or what encrypts a packet, in Python, and several of them */
    WAY_CIPHERS,
    WAY_CONNECTED,
    WAY_EXIT,
    WAY_FIND,
    WAY_NAMES, /* of: the sender's transport, its state, enabled, ICE, the session that encrypts */
    WAY_OUTBOX,
    WAY_PAIR,
    WAY_SENDER,
    WAY_SRTP,
};

enum { NAME_TRANSPORT, NAME_STATE, NAME_ENABLED, NAME_ICE, NAME_SRTP, NAMES };

static PyTypeObject WayOut_Type;

static int WayOut_init(WayOut *self, PyObject *args, PyObject *named)
{
    PyObject *sender, *outbox, *names, *connected, *find;
    (void)named;
    if (!PyArg_ParseTuple(args, "OO!O!OO", &sender, &Outbox_Type, &outbox, &PyTuple_Type, &names,
                          &connected, &find))
        return -1;
    if (PyTuple_GET_SIZE(names) != NAMES) {
        PyErr_SetString(PyExc_ValueError, "there are five names");
        return -1;
    }
    PyObject **held = self->base.held;
    hold(&held[WAY_SENDER], sender);
    hold(&held[WAY_OUTBOX], outbox);
    hold(&held[WAY_NAMES], names);
    hold(&held[WAY_CONNECTED], connected);
    hold(&held[WAY_FIND], find);
    return 0;
}

static PyObject *named_attribute(WayOut *self, PyObject *object, int name)
{
    return PyObject_GetAttr(object, PyTuple_GET_ITEM(self->base.held[WAY_NAMES], name));
}

/* The pair in use now (a new reference); NULL without an exception: there is none. */
static PyObject *way_pair(WayOut *self, PyObject *transport)
{
    PyObject *found = named_attribute(self, transport, NAME_ICE);
    PyObject *const steps[] = {name_send, name_self, name_nominated};
    for (int at = 0; at < 3 && found != NULL; at++)
        Py_SETREF(found, PyObject_GetAttr(found, steps[at]));
    if (found == NULL)
        return NULL;
    PyObject *pair = NULL;
    if (PyDict_Check(found))
        pair = Py_XNewRef(PyDict_GetItemWithError(found, number_one));
    Py_DECREF(found);
    return pair;
}

/* Have Python look up where a pair leads, and what encrypts. */
static int way_look(WayOut *self, PyObject *transport, PyObject *pair)
{
    PyObject **held = self->base.held;
    PyObject *found = PyObject_CallFunctionObjArgs(held[WAY_FIND], transport, pair, NULL);
    if (found == NULL)
        return -1;
    PyObject *way, *cipher, *ciphers;
    int failed = !PyArg_ParseTuple(found, "O!OO", &Exit_Type, &way, &cipher, &ciphers);
    if (!failed) {
        hold(&held[WAY_EXIT], way);
        hold(&held[WAY_CIPHER], cipher);
        hold(&held[WAY_CIPHERS], ciphers);
        hold(&held[WAY_PAIR], pair);
        PyObject *srtp = named_attribute(self, transport, NAME_SRTP);
        hold(&held[WAY_SRTP], srtp);
        failed = srtp == NULL;
        Py_XDECREF(srtp);
    }
    Py_DECREF(found);
    return failed ? -1 : 0;
}

static int way_put(WayOut *self, PyObject *packet)
{
    PyObject **held = self->base.held, **way = ((Exit *)held[WAY_EXIT])->base.held;
    Outbox *outbox = (Outbox *)held[WAY_OUTBOX];
    int is_one = PyBytes_Check(packet);
    if (!Py_IS_TYPE(held[WAY_CIPHER], &Cipher_Type))
        return outbox_put(outbox, is_one ? held[WAY_CIPHER] : held[WAY_CIPHERS], packet,
                          way[is_one ? EXIT_SEND : EXIT_SEND_BURST], way[EXIT_ADDRESS]);
    /* A list may be changed by others while it waits. */
    PyObject *kept = is_one ? Py_NewRef(packet) : PySequence_Tuple(packet);
    if (kept == NULL)
        return -1;
    int failed = outbox_put(outbox, held[WAY_CIPHER], kept, held[WAY_EXIT], NULL);
    Py_DECREF(kept);
    return failed;
}

/* Send a packet, or a list of them: 1; 0 if there is no way out, -1 with an exception. */
static int way_send(WayOut *self, PyObject *packet)
{
    PyObject **held = self->base.held;
    PyObject *transport = named_attribute(self, held[WAY_SENDER], NAME_TRANSPORT);
    if (transport == NULL)
        return -1;
    PyObject *names = held[WAY_NAMES], *pair = NULL;
    int goes = is_attribute(transport, PyTuple_GET_ITEM(names, NAME_STATE), held[WAY_CONNECTED]);
    if (goes > 0) {
        PyObject *enabled = named_attribute(self, held[WAY_SENDER], NAME_ENABLED);
        goes = enabled == NULL ? -1 : PyObject_IsTrue(enabled);
        Py_XDECREF(enabled);
    }
    if (goes > 0) {
        pair = way_pair(self, transport);
        goes = pair == NULL ? (PyErr_Occurred() ? -1 : 0) : 1;
    }
    if (goes > 0) {
        int is_known = held[WAY_PAIR] == pair && held[WAY_SRTP] != NULL;
        if (is_known)
            is_known = is_attribute(transport, PyTuple_GET_ITEM(names, NAME_SRTP), held[WAY_SRTP]);
        if (is_known < 0 || (!is_known && way_look(self, transport, pair) < 0))
            goes = -1;
    }
    if (goes > 0 && way_put(self, packet) < 0)
        goes = -1;
    Py_XDECREF(pair);
    Py_DECREF(transport);
    return goes;
}

static PyObject *WayOut_send(WayOut *self, PyObject *packet)
{
    int sent = way_send(self, packet);
    return sent < 0 ? NULL : PyBool_FromLong(sent);
}

static PyMethodDef WayOut_methods[] = {
    {"send", (PyCFunction)WayOut_send, METH_O, "See way_out.WayOut."},
    {NULL},
};

static PyTypeObject WayOut_Type = {
    HOLDER_TYPE(WayOut, "WayOut", WayOut),
    .tp_init = (initproc)WayOut_init,
    .tp_methods = WayOut_methods,
    .tp_doc = "Leads packets out: (sender, outbox, names, connected, find).",
};

/* -- the module --------------------------------------------------------------------------------- */

static PyObject *bind_srtp(PyObject *module, PyObject *args)
{
    Py_ssize_t protect, unprotect;
    (void)module;
    if (!PyArg_ParseTuple(args, "nn", &protect, &unprotect))
        return NULL;
    srtp_protect = (Crypt)protect;
    srtp_unprotect = (Crypt)unprotect;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"bind", bind_srtp, METH_VARARGS, "Call libsrtp's srtp_protect and srtp_unprotect there."},
    {"read_ready", read_ready, METH_VARARGS,
     "Have what is ready of an epoll read once: (epoll, readers, failed, is_new_turn) -> how many."},
    {NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "callboard.media.rtc.native._packets",
    .m_doc = "The hot half of a packet's way.",
    .m_size = -1,
    .m_methods = functions,
};

static int intern_all(void)
{
    const struct {
        PyObject **where;
        const char *name;
    } names[] = {
        {&name_held, "_held"},           {&name_lane, "lane"}, {&name_next, "_next"},
        {&name_nominated, "_nominated"}, {&name_packets, "packets"},
        {&name_queue, "_queue"},         {&name_self, "__self__"}, {&name_send, "_send"},
    };
    for (size_t at = 0; at < sizeof names / sizeof *names; at++)
        if ((*names[at].where = PyUnicode_InternFromString(names[at].name)) == NULL)
            return -1;
    number_one = PyLong_FromLong(1);
    return number_one == NULL ? -1 : 0;
}

PyMODINIT_FUNC PyInit__packets(void)
{
    PyTypeObject *types[] = {&Cipher_Type, &Exit_Type,          &Lane_Type,  &Outbox_Type,
                             &Port_Type,   &StreamCounter_Type, &Usual_Type, &WayOut_Type};
    if (intern_all() < 0)
        return NULL;
    PyObject *module = PyModule_Create(&definition);
    for (size_t at = 0; module != NULL && at < sizeof types / sizeof *types; at++)
        if (PyModule_AddType(module, types[at]) < 0)
            Py_CLEAR(module);
    return module;
}
