package volume

import (
	"fmt"
	"strconv"
	"strings"
)

// Limit is the largest volume, in bytes: a claim that asks for more stays pending, as it would where storage is short.
const Limit = 10 << 30

var units = map[string]float64{
	"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
	"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50,
}

// parse reads the quantities that the API server lets through, in bytes.
func parse(quantity string) (float64, error) {
	digits := strings.TrimRight(quantity, "kKMGTPi")
	factor, known := units[quantity[len(digits):]]
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || !known {
		return 0, fmt.Errorf("not a size: %q", quantity)
	}
	return n * factor, nil
}

func larger(a, b string) bool {
	x, errX := parse(a)
	y, errY := parse(b)
	return errX == nil && errY == nil && x > y
}

// refuse says why a claim gets no volume, or "".
func refuse(c claim) string {
	size, err := parse(c.Spec.Resources.Requests["storage"])
	switch {
	case err != nil:
		return err.Error()
	case size > Limit:
		return fmt.Sprintf("no node has room for %s: the local cluster gives at most %d GiB", c.Spec.Resources.Requests["storage"], Limit>>30)
	case c.Spec.VolumeMode == "Block":
		return "the local cluster has no block volumes"
	}
	return ""
}
