/* What stands between the compiled part and the kernel in test_sanitizers.py.
 *
 * Packets lie in a room that is larger than what was read: to AddressSanitizer, whoever reads behind
 * their end is still inside. So what was not read is poisoned, for as long as the call lasts. */

#include <sanitizer/asan_interface.h>
#include <sys/socket.h>

#include "shared.h"

int flows_read_itself(struct flows *flows, int epoll, double now, int64_t moment);
ssize_t recvmsg_poisoning(int file, struct msghdr *message, int flags);

ssize_t recvmsg_poisoning(int file, struct msghdr *message, int flags)
{
    uint8_t *room = message->msg_iov->iov_base;
    size_t length = message->msg_iov->iov_len;
    ASAN_UNPOISON_MEMORY_REGION(room, length);
    ssize_t got = recvmsg(file, message, flags);
    size_t read = got > 0 ? (size_t)got : 0;
    ASAN_POISON_MEMORY_REGION(room + read, length - read);
    return got;
}

int flows_read(struct flows *flows, int epoll, double now, int64_t moment)
{
    int found = flows_read_itself(flows, epoll, now, moment);
    ASAN_UNPOISON_MEMORY_REGION(flows->room, (size_t)flows->size);
    return found;
}
