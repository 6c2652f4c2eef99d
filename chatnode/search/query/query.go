// Package query is what one looks for and what is found: in come the words that a user types and the texts of messages, out go words in
// the form in which an index keeps and compares them. It knows no index, no log and no rights.
//
// A word is a run of letters, digits and the marks on them, of any script, in one case. Of scripts that are written without spaces, each
// character is a word, and so is every symbol such as an emoji. Nothing is stemmed, and no word is too common.
package query

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of a query.
const (
	// MaxBytes is how long one may be.
	MaxBytes = 1024
	// MaxWords is how many words it may have.
	MaxWords = 32
)

var (
	// ErrEmpty says that a query has no word.
	ErrEmpty = errors.New("the query has no word to look for")
	// ErrTooLong says that a query is longer than MaxBytes or has more than MaxWords words.
	ErrTooLong = fmt.Errorf("the query has more than %d bytes or %d words", MaxBytes, MaxWords)
	// ErrText says that a query is not UTF-8.
	ErrText = errors.New("the query is not UTF-8")
)

// Query is what a text must have: all its phrases.
type Query []Phrase

// Phrase is a word, or words that stand one behind the other.
type Phrase []string

// Parse reads what a user typed: words, and phrases between double quotes. A quote that is not closed reaches to the end. What is one
// word to the user and several here, such as can't, is a phrase. Errors: ErrEmpty, ErrTooLong, ErrText.
func Parse(s string) (Query, error) {
	switch {
	case len(s) > MaxBytes:
		return nil, ErrTooLong
	case !utf8.ValidString(s):
		return nil, ErrText
	}
	var q Query
	words := 0
	for _, text := range texts(s) {
		phrase := Phrase(Words(text))
		if len(phrase) == 0 || slices.ContainsFunc(q, func(p Phrase) bool { return slices.Equal(p, phrase) }) {
			continue
		}
		words += len(phrase)
		q = append(q, phrase)
	}
	switch {
	case words > MaxWords:
		return nil, ErrTooLong
	case words == 0:
		return nil, ErrEmpty
	}
	return q, nil
}

// texts are the parts of a query that each make a phrase: what stands between quotes, and outside of them what stands between spaces.
func texts(s string) (all []string) {
	quoted := false
	for {
		at := strings.IndexFunc(s, isQuote)
		part := s
		if at >= 0 {
			part = s[:at]
		}
		if quoted {
			all = append(all, part)
		} else {
			all = append(all, strings.Fields(part)...)
		}
		if at < 0 {
			return all
		}
		_, size := utf8.DecodeRuneInString(s[at:])
		s, quoted = s[at+size:], !quoted
	}
}

// isQuote knows also the quotes that telephones make of the plain one.
func isQuote(r rune) bool { return strings.ContainsRune("\"\u201c\u201d\u201e\u00ab\u00bb", r) }

// Matches says whether a text has all phrases.
func (q Query) Matches(text string) bool {
	words := Words(text)
	return !slices.ContainsFunc(q, func(p Phrase) bool { return !p.in(words) })
}

func (p Phrase) in(words []string) bool {
	for i := 0; i+len(p) <= len(words); i++ {
		if slices.Equal(words[i:i+len(p)], p) {
			return true
		}
	}
	return false
}
