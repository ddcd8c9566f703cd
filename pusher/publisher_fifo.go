package pusher

// A fifo is a lane's queue. It keeps items in blocks, so that queueing one costs
// its caller a share of an allocation, and a long queue is never copied.
type fifo struct {
	blocks []*[blockSize]item
	read   int // of the first block, taken already
	len    int
}

// blockSize is a compromise: what has been sent is freed a block at a time.
const blockSize = 16

func (q *fifo) push(it *item) {
	end := q.read + q.len
	if end == blockSize*len(q.blocks) {
		q.blocks = append(q.blocks, new([blockSize]item))
	}
	q.blocks[end/blockSize][end%blockSize] = *it
	q.len++
}

// at is the item that stands behind i others.
func (q *fifo) at(i int) *item {
	i += q.read
	return &q.blocks[i/blockSize][i%blockSize]
}

// pop takes the first n.
func (q *fifo) pop(n int) []*item {
	items := make([]*item, n)
	for i := range items {
		items[i] = q.at(i)
	}
	q.read += n
	q.len -= n
	for q.read >= blockSize {
		q.blocks[0] = nil
		q.blocks, q.read = q.blocks[1:], q.read-blockSize
	}
	return items
}
