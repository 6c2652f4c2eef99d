package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// resultsDir is where the figures of each run are kept; git ignores it.
const resultsDir = "results"

// result is one run, as it is kept.
type result struct {
	Time    time.Time                     `json:"time"`
	Commit  string                        `json:"commit"`
	Machine string                        `json:"machine"`
	Others  float64                       `json:"others"` // share of the machine's CPU time that other programs used
	Sizes   sizes                         `json:"sizes"`
	Figures map[string]map[string]float64 `json:"figures"` // by row and system
}

// report prints the table and keeps the figures. BENCH_AGAINST names an older result to set our own figures against.
func report(out io.Writer, s sizes, start machineTime, f *figures) error {
	others, err := othersShare(start)
	if err != nil {
		return err
	}
	now := result{
		Time: time.Now().UTC().Truncate(time.Second), Commit: command("git", "describe", "--always", "--dirty"),
		Machine: machine(), Others: others, Sizes: s, Figures: f.values,
	}
	var before *result
	if file, given := os.LookupEnv("BENCH_AGAINST"); given {
		older, err := readResult(file)
		if err != nil {
			return err
		}
		before = &older
	}
	if err := writeTable(out, now, before); err != nil {
		return err
	}
	file, err := keep(now)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\nKept in %s; BENCH_AGAINST=FILE sets another run beside it.\n", file)
	return err
}

// titleWidth is that of the widest row's title: the table is aligned to the right, its titles to the left.
const titleWidth = 50

// quiet is how much of the machine others may use without a word about it.
const quiet = 0.05

// writeTable sets the systems side by side. before may be nil.
func writeTable(out io.Writer, now result, before *result) error {
	fmt.Fprintf(out, "\n%s, commit %s\n%d connections; rooms of %d and %d members; texts of %d bytes; %d s each\n\n",
		now.Machine, now.Commit, now.Sizes.Connections, now.Sizes.Members, now.Sizes.Latency, now.Sizes.Text, now.Sizes.Seconds)
	if now.Others > quiet {
		fmt.Fprintf(out, "Other programs used %.0f %% of the machine: rates and times are not what they could be, CPU and memory nearly.\n\n",
			100*now.Others)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	heading := []string{ours, peer, limit, ours + "/" + peer, ours + "/" + limit}
	if before != nil {
		heading = append(heading, "before", "now/before")
	}
	fmt.Fprintf(table, "%s\t%s\t\n", strings.Repeat(" ", titleWidth), strings.Join(heading, "\t"))
	for _, r := range rows {
		figure := now.Figures[r.key]
		if len(figure) == 0 {
			continue
		}
		cells := []string{
			number(figure, ours), number(figure, peer), number(figure, limit), ratio(figure[ours], figure[peer]), ratio(figure[ours], figure[limit]),
		}
		if before != nil {
			cells = append(cells, number(before.Figures[r.key], ours), ratio(figure[ours], before.Figures[r.key][ours]))
		}
		fmt.Fprintf(table, "%-*s\t%s\t\n", titleWidth, r.title, strings.Join(cells, "\t"))
	}
	return table.Flush()
}

// number writes a figure with three digits that count; "–" if it wasn't measured.
func number(figure map[string]float64, system string) string {
	value, found := figure[system]
	switch {
	case !found:
		return "–"
	case value >= 100:
		return fmt.Sprintf("%.0f", value)
	case value >= 10:
		return fmt.Sprintf("%.1f", value)
	default:
		return fmt.Sprintf("%.2f", value)
	}
}

func ratio(a, b float64) string {
	if a == 0 || b == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", a/b)
}

// keep writes the result to a file of its own.
func keep(r result) (string, error) {
	if err := os.MkdirAll(resultsDir, 0o755); err != nil {
		return "", fmt.Errorf("keep the figures: %w", err)
	}
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return "", fmt.Errorf("keep the figures: %w", err)
	}
	file := filepath.Join(resultsDir, r.Time.Format("20060102-150405")+".json")
	if err := os.WriteFile(file, append(raw, '\n'), 0o644); err != nil {
		return "", fmt.Errorf("keep the figures: %w", err)
	}
	return file, nil
}

func readResult(file string) (result, error) {
	var r result
	raw, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil {
		return r, fmt.Errorf("read older figures: %w", err)
	}
	return r, nil
}

// machine names what counts for the figures: processor, cores, kernel, Go and Node.
func machine() string {
	model := "unknown processor"
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%s, %d virtual cores, Linux %s, %s, Node %s",
		model, runtime.NumCPU(), command("uname", "-r"), runtime.Version(), command("node", "--version"))
}

// command is the output of a program, or "unknown".
func command(name string, args ...string) string {
	output, err := exec.Command(name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(output))
}
