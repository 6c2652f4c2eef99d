package index

import "math/bits"

// A feed's pages form a chain, numbered from 0, whose newest page is the head. Page n has one link for every bit that is set in n:
// clearing n's low bits one after the other gives n, n', n'', …, and the links lead to the pages n-1, n'-1, n''-1, …. So the newest
// link is to the page just before, and any earlier page is a few steps away.

// link names a full page: its first sequence and the term of the owner that wrote it. A page with that name never changes.
type link struct{ first, term uint64 }

// lost is a link to a page that can't exist: it stands for a past that the store no longer tells.
var lost = link{}

// next is the empty page that follows p once p is stored under the term.
func (p *page) next(term uint64) page {
	dropped := bits.TrailingZeros64(^p.number)
	links := append([]link{{p.first.Seq, term}}, p.links[dropped:]...)
	return page{number: p.number + 1, links: links}
}

// towards is the link that leads nearest to page n without passing it; n is less than p.number.
func (p *page) towards(n uint64) link {
	k, best := p.number, 0
	for i := range p.links {
		if k-1 < n {
			break
		}
		best = i
		k &= k - 1
	}
	return p.links[best]
}

// back is the link that leads nearest to the newest page that starts at or before the sequence; ok is false if p is the first page.
func (p *page) back(seq uint64) (l link, ok bool) {
	if len(p.links) == 0 {
		return link{}, false
	}
	best := 0
	for i, l := range p.links {
		if l.first <= seq {
			break
		}
		best = i
	}
	return p.links[best], true
}
