package query

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                       nil,
		" ,.- ":                  nil,
		"Hello, World!":          {"hello", "world"},
		"can't stop":             {"can", "t", "stop"},
		"ÄRGER Straße ΣΟΦΟΣ":     Words("ärger straße σοφος"),
		"\u212a":                 {"k"}, // the sign of Kelvin
		"room_7 v2.0":            {"room", "7", "v2", "0"},
		"日本語 text":               {"日", "本", "語", "text"},
		"नमस्ते":                 {"नमस्ते"},
		"soft\u00adhyphen":       {"softhyphen"},
		"ok👍🏽fine":               {"ok", "👍", "fine"},
		"\xffbad\xfe":            {"bad"},
		strings.Repeat("a", 100): {strings.Repeat("a", maxWord)},
	} {
		if got := Words(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for s, want := range map[string]Query{
		"Red  apples":              {{"red"}, {"apples"}},
		`"Red apples" ripe`:        {{"red", "apples"}, {"ripe"}},
		`a"b c"d`:                  {{"a"}, {"b", "c"}, {"d"}},
		`red "not closed`:          {{"red"}, {"not", "closed"}},
		"don't don't DON'T":        {{"don", "t"}},
		"\u201cred apples\u201d x": {{"red", "apples"}, {"x"}},
		`AND OR NOT near(* room:x`: {{"and"}, {"or"}, {"not"}, {"near"}, {"room", "x"}},
	} {
		if got, err := Parse(s); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q %v, want %q", s, got, err, want)
		}
	}
	for s, want := range map[string]error{
		"": ErrEmpty, `"" ...`: ErrEmpty, strings.Repeat("x", MaxBytes+1): ErrTooLong, strings.Repeat("日", MaxWords+1): ErrTooLong, "\xff": ErrText,
	} {
		if got, err := Parse(s); !errors.Is(err, want) {
			t.Errorf("%.20q: %q %v, want %v", s, got, err, want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		query, text string
		want        bool
	}{
		{"red apples", "Apples that are RED", true},
		{`"red apples"`, "Apples that are RED", false},
		{`"red apples"`, "ripe, red: apples", true},
		{"red", "reddish", false},
		{"本語", "日本語", true},
		{"本日", "日本語", false},
		{"red", "", false},
	} {
		q, err := Parse(c.query)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.Matches(c.text); got != c.want {
			t.Errorf("%s in %q: %v", c.query, c.text, got)
		}
	}
}

// Whatever is typed, a query that parses is met by its own text, and its words are in the form of the index.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"red apples", `"red apples" x`, "don't", "日本語", "\"", "\u201c x", "\xff", "A\u0301 ſK", "a\u200db", "👍🏽"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := Parse(s)
		if err != nil {
			if q != nil {
				t.Fatal("a query and an error")
			}
			return
		}
		if !q.Matches(s) {
			t.Fatalf("%q is not met by itself: %q", s, q)
		}
		for _, phrase := range q {
			for _, word := range phrase {
				if len(word) > maxWord || !utf8.ValidString(word) || !slices.Equal(Words(word), []string{word}) {
					t.Fatalf("%q has %q", s, word)
				}
			}
		}
	})
}
