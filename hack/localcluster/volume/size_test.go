package volume

import "testing"

func TestParseReadsQuantities(t *testing.T) {
	for text, bytes := range map[string]float64{"1": 1, "512Mi": 512 << 20, "10Gi": 10 << 30, "1.5Gi": 1.5 * (1 << 30), "2G": 2e9, "3k": 3000, "1Ti": 1 << 40} {
		if got, err := parse(text); err != nil || got != bytes {
			t.Errorf("parse(%q) = %v, %v, want %v", text, got, err, bytes)
		}
	}
	for _, text := range []string{"", "Gi", "1Xi", "one", "1ii"} {
		if got, err := parse(text); err == nil {
			t.Errorf("parse(%q) = %v, want an error", text, got)
		}
	}
}

func TestRefuseNamesTheReason(t *testing.T) {
	ask := func(size, mode string) string {
		var c claim
		c.Spec.Resources.Requests = map[string]string{"storage": size}
		c.Spec.VolumeMode = mode
		return refuse(c)
	}
	if got := ask("10Gi", "Filesystem"); got != "" {
		t.Errorf("10Gi is refused: %s", got)
	}
	for _, c := range [][2]string{{"10241Mi", "Filesystem"}, {"1Gi", "Block"}, {"much", "Filesystem"}} {
		if ask(c[0], c[1]) == "" {
			t.Errorf("%v is not refused", c)
		}
	}
}
