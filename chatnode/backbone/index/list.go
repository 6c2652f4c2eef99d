package index

// list is a doubly linked list whose nodes are part of what they link, so that joining and leaving allocate nothing.
type list[T any] struct{ root node[T] }

type node[T any] struct {
	prev, next *node[T]
	of         T
}

func newList[T any]() *list[T] {
	l := &list[T]{}
	l.root.prev, l.root.next = &l.root, &l.root
	return l
}

func (n *node[T]) linked() bool { return n.next != nil }

func (n *node[T]) unlink() {
	if n.linked() {
		n.prev.next, n.next.prev = n.next, n.prev
		n.prev, n.next = nil, nil
	}
}

// push puts the node, which is in no list, at the front.
func (l *list[T]) push(n *node[T]) {
	n.prev, n.next = &l.root, l.root.next
	n.prev.next, n.next.prev = n, n
}

// back is the last node, nil if the list is empty.
func (l *list[T]) back() *node[T] { return l.before(&l.root) }

// before is the node before n, nil if n is the first.
func (l *list[T]) before(n *node[T]) *node[T] {
	if n.prev == &l.root {
		return nil
	}
	return n.prev
}

// takeAll moves the other list's nodes to the end of this one.
func (l *list[T]) takeAll(other *list[T]) {
	for n := other.back(); n != nil; n = other.back() {
		n.unlink()
		l.push(n)
	}
}
