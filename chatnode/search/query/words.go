package query

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxWord is how many bytes of a word count: what is longer is an address or noise, and is found by its beginning.
const maxWord = 64

// unspaced are scripts whose words stand without spaces between them.
var unspaced = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan,
}

// Words are the words of a text, in order, in the form in which they are compared.
func Words(text string) (words []string) {
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	for _, r := range text {
		switch kindOf(r) {
		case inWord:
			if r = fold(r); word.Len()+utf8.RuneLen(r) <= maxWord {
				word.WriteRune(r)
			}
		case ownWord:
			end()
			words = append(words, string(fold(r)))
		case between:
			end()
		case ignored:
		}
	}
	end()
	return words
}

type kind uint8

const (
	between kind = iota
	inWord
	ownWord
	ignored
)

// kindOf says what a character is to words. Joiners and the choice between two looks of a character are no part of what is written.
func kindOf(r rune) kind {
	switch {
	case r < utf8.RuneSelf:
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return inWord
		}
		return between
	case r == utf8.RuneError:
		return between
	case unicode.Is(unicode.Variation_Selector, r) || unicode.Is(unicode.Cf, r):
		return ignored
	case unicode.Is(unicode.So, r) || unicode.In(r, unspaced...):
		return ownWord
	case unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r):
		return inWord
	}
	return between
}

// fold gives all forms of a letter that differ in case the same one: the first that Unicode's simple folding leads to, which is small in
// ASCII.
func fold(r rune) rune {
	least := r
	if r >= utf8.RuneSelf {
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
	}
	if least < utf8.RuneSelf {
		return unicode.ToLower(least)
	}
	return least
}
