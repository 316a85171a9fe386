//go:build linux

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// facts are what figures depend on beside what was measured.
type facts struct {
	Begun     time.Time     `json:"begun"`
	Rounds    int           `json:"rounds"`
	Window    time.Duration `json:"windowNanos"`
	Profiled  bool          `json:"profiled"`
	Go        string        `json:"go"`
	Kernel    string        `json:"kernel"`
	CPU       string        `json:"cpu"`
	CPUs      int           `json:"cpus"`
	Memory    string        `json:"memory"`
	HAProxy   string        `json:"haproxy"`
	LoadFirst string        `json:"loadAtBegin"` // what else ran
	LoadLast  string        `json:"loadAtEnd"`
}

func machineFacts(o options) facts {
	version, _ := exec.Command(haproxy, "-v").Output() // absent is told elsewhere
	return facts{
		Begun: time.Now(), Rounds: o.rounds, Window: o.window, Profiled: o.profile != "",
		Go: runtime.Version(), CPUs: runtime.NumCPU(),
		Kernel:    fact("/proc/sys/kernel/osrelease", ""),
		CPU:       fact("/proc/cpuinfo", "model name"),
		Memory:    fact("/proc/meminfo", "MemTotal"),
		HAProxy:   firstLine(string(version)),
		LoadFirst: fact("/proc/loadavg", ""),
	}
}

// fact is the value of a line "name: value" in a file, or with no name its
// first line.
func fact(file, name string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	if name == "" {
		return firstLine(string(b))
	}
	for line := range strings.Lines(string(b)) {
		if n, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(n) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimSpace(line)
}

// writeJSON writes every figure of every round.
func writeJSON(name string, f facts, samples []sample) error {
	f.LoadLast = fact("/proc/loadavg", "")
	b, err := json.MarshalIndent(struct {
		Machine facts    `json:"machine"`
		Samples []sample `json:"samples"`
	}{f, samples}, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(b, '\n'), 0o644)
}
