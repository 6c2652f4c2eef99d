package layout

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRowKeyRoundTripsAnyParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringN(0, 40, 128), 1, 4).Draw(t, "parts")
		key := RowKey(parts...)
		if strings.ContainsAny(key, "*> \t\n\x00") || strings.HasPrefix(key, ".") || strings.Contains(key, "..") || strings.HasSuffix(key, ".") {
			t.Fatalf("%q gave key %q", parts, key)
		}
		if back, ok := ParseRowKey(key); !ok || !slices.Equal(back, parts) {
			t.Fatalf("%q came back as %q", parts, back)
		}
		if prefix := RowKey(parts[0]); len(parts) > 1 && !strings.HasPrefix(key, prefix+".") {
			t.Fatalf("%q does not begin with %q", key, prefix)
		}
	})
}

func TestRowKeysNeverCoincide(t *testing.T) {
	if a, b := RowKey("a", "b.c"), RowKey("a.b", "c"); a == b {
		t.Errorf("both are %q", a)
	}
	if a, b := RowKey("a", ""), RowKey("a"); a == b {
		t.Errorf("both are %q", a)
	}
}

func FuzzParseRowKey(f *testing.F) {
	for _, key := range []string{RowKey("default", "room:a", ""), "", ".", "a", "YQ..YQ", "*.>", "YR", "YQ\n"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if parts, ok := ParseRowKey(key); ok && RowKey(parts...) != key {
			t.Fatalf("%q was read as %q, whose key is %q", key, parts, RowKey(parts...))
		}
	})
}
