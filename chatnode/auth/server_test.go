package auth

import (
	"errors"
	"strings"
	"testing"
	"time"
)

const (
	keyOfShop  = "shop-0123456789abcdef0123456789abcdef"
	keyOfShop2 = "shop-fedcba9876543210fedcba9876543210"
	keyOfGame  = "game-0123456789abcdef0123456789abcdef"
)

func TestServerKeysAreOfTheirApps(t *testing.T) {
	file := "# keys\n\nshop " + keyOfShop + "\n  shop\t" + keyOfShop2 + "  \r\ngame " + keyOfGame
	v := newVerifier(t, Options{ServerKeysFile: writeFile(t, "keys", []byte(file))})
	for key, want := range map[string]string{
		keyOfShop: "shop", keyOfShop2: "shop", keyOfGame: "game",
		"": "", "shop": "", "#": "", keyOfShop + "0": "", keyOfShop[1:]: "", strings.ToUpper(keyOfShop): "", strings.Repeat("k", 1<<20): "",
	} {
		app, err := v.ServerKey(key)
		if app != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, ErrServerKey) {
			t.Errorf("%.50q: %q, %v; want %q", key, app, err, want)
		}
	}
	if n := counted(t, v, "chatnode_auth_tokens_total", "server", "accepted"); n != 3 {
		t.Errorf("%v accepted keys counted", n)
	}
	if _, err := newVerifier(t, Options{HMACSecret: testSecret}).ServerKey(keyOfShop); !errors.Is(err, ErrServerKey) {
		t.Errorf("without a file: %v", err)
	}
}

func TestServerKeysFollowTheirFile(t *testing.T) {
	path := writeFile(t, "keys", []byte("shop "+keyOfShop))
	v := newVerifier(t, Options{ServerKeysFile: path, FilePoll: time.Millisecond})
	accepts := func(key string) bool { _, err := v.ServerKey(key); return err == nil }
	replaceFile(t, path, []byte("shop short"))
	eventually(t, "the broken file is counted", func() bool {
		return counted(t, v, "chatnode_auth_key_reloads_total", "failed", "server_keys_file") == 1
	})
	if !accepts(keyOfShop) {
		t.Error("the keys of before are not in use any more")
	}
	replaceFile(t, path, []byte("shop "+keyOfShop2))
	eventually(t, "the new key is in use", func() bool { return accepts(keyOfShop2) })
	if accepts(keyOfShop) {
		t.Error("the key that was taken away is still in use")
	}
	replaceFile(t, path, []byte("# nobody"))
	eventually(t, "no key is in use", func() bool { return !accepts(keyOfShop2) })
}

func TestBrokenServerKeysNameTheLineAndNeverTheKey(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"no key":     {"# x\nshop\n", "line 2: not the name of an app and a key"},
		"two keys":   {"shop " + keyOfShop + " " + keyOfGame, "line 1: not the name of an app and a key"},
		"only a key": {keyOfShop, "line 1: not the name of an app and a key"},
		"short":      {"\nshop secret-but-short", "line 2: the key has 16 characters, needs 32 to 512"},
		"long":       {"shop " + strings.Repeat("secret", 100), "line 1: the key has 600 characters"},
		"no ASCII":   {"shop secret-é" + keyOfShop, "line 1: the key has dots, or characters that no HTTP header can carry"},
		"a dot":      {"shop secret." + keyOfShop, "line 1: the key has dots"},
		"no UTF-8":   {"\xff " + keyOfShop, "line 1: the name of an app"},
		"long app":   {strings.Repeat("secret", 100) + " " + keyOfShop, "line 1: the name of an app"},
		"same key":   {"shop " + keyOfShop + "\n#\ngame " + keyOfShop, "line 3: the key stands in line 1 already"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(t.Context(), Options{ServerKeysFile: writeFile(t, "keys", []byte(c.file))})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), keyOfShop) {
				t.Errorf("the error shows the key: %v", err)
			}
		})
	}
}

func FuzzServerKeys(f *testing.F) {
	f.Add([]byte("# keys\nshop "+keyOfShop+"\n\ngame\t"+keyOfGame), keyOfShop)
	f.Fuzz(func(t *testing.T, content []byte, key string) {
		var keys serverKeys
		if keys.set(content) != nil {
			return
		}
		if app, ok := keys.find(key); ok && (app == "" || len(key) < minServerKey || !strings.Contains(string(content), key)) {
			t.Fatalf("%q is the key of %q", key, app)
		}
	})
}
