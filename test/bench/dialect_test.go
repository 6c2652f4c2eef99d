package bench

import (
	"slices"
	"strings"
	"testing"
)

func TestDialectsReadAcknowledgements(t *testing.T) {
	for _, c := range []struct {
		name    string
		dialect dialect
		frame   string
		want    []int
	}{
		{"one reply", native{}, `{"id":12,"rpc":{"data":{"offset":3}}}`, []int{12}},
		{"replies that share a frame", native{}, "{\"id\":12,\"rpc\":{}}\n{\"id\":13,\"rpc\":{}}", []int{12, 13}},
		{"a push", native{}, `{"push":{"channel":"room:r","pub":{"data":{"id":"7"}}}}`, nil},
		{"an acknowledgement", socketIO{}, `4314[]`, []int{14}},
		{"an event", socketIO{}, `42["message","43"]`, nil},
		{"acknowledgements in a row", bare{}, `a10a11a12`, []int{10, 11, 12}},
		{"a text", bare{}, markedText(5, 20), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []int
			if err := c.dialect.answers([]byte(c.frame), func(id int) { got = append(got, id) }); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestRefusedMessageIsAnError(t *testing.T) {
	frame := []byte(`{"id":12,"error":{"code":111,"message":"too many requests"}}`)
	err := native{}.answers(frame, func(id int) { t.Errorf("%d counts as acknowledged", id) })
	if err == nil || !strings.Contains(err.Error(), "too many requests") {
		t.Errorf("got %v", err)
	}
}

func TestMarksAreFoundInOrder(t *testing.T) {
	frame := `{"a":"` + markedText(7, 30) + `"}` + "\n" + `{"a":"` + markedText(12345678, markBytes) + `"}`
	var got []int
	if err := marks([]byte(frame), func(seq int) { got = append(got, seq) }); err != nil {
		t.Fatal(err)
	}
	if want := []int{7, 12345678}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := marks([]byte("~123"), func(int) {}); err == nil {
		t.Error("a cut mark is no error")
	}
}
