package pushertest

import "sync"

// maxBacklogBytes limits the unread messages of all connections together.
const maxBacklogBytes = 64 << 20

// A backlog counts the messages that all connections together have not read yet. A
// message to several connections is in memory only once, and is counted once.
type backlog struct {
	mu      sync.Mutex
	bytes   int
	readers map[*byte]int // connections that have not read a message, by its first byte
	unread  map[*conn]int // bytes
}

func newBacklog() *backlog {
	return &backlog{readers: make(map[*byte]int), unread: make(map[*conn]int)}
}

func (b *backlog) add(c *conn, message []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.readers[&message[0]]++; b.readers[&message[0]] == 1 {
		b.bytes += len(message)
	}
	b.unread[c] += len(message)
}

func (b *backlog) remove(c *conn, message []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.readers[&message[0]]--; b.readers[&message[0]] == 0 {
		delete(b.readers, &message[0])
		b.bytes -= len(message)
	}
	if b.unread[c] -= len(message); b.unread[c] == 0 {
		delete(b.unread, c)
	}
}

// slowest returns the connection with the most unread bytes if the limit is exceeded,
// and nil otherwise.
func (b *backlog) slowest() *conn {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bytes <= maxBacklogBytes {
		return nil
	}
	var slowest *conn
	for c, unread := range b.unread {
		if slowest == nil || unread > b.unread[slowest] {
			slowest = c
		}
	}
	return slowest
}
