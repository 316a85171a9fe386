package web

import (
	"fmt"
	"io/fs"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Text and strokes can be told from every ground that they may lie on, in both
// themes. A browser's checker gives up where the ground is drawn, as that of
// the ladder is, so the tokens themselves are held to WCAG 2.2: 4.5 for text
// (§1.4.3), 3 for the edges of controls (§1.4.11).
func TestTokenContrast(t *testing.T) {
	css, err := fs.ReadFile(static, "static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`(?s)(:root[^{]*)\{([^}]*)\}`).FindAllStringSubmatch(string(css), -1)
	themes := map[string]map[string]string{}
	token := regexp.MustCompile(`--([a-z0-9]+): (#[0-9a-f]{6})`)
	for _, b := range blocks {
		colours := map[string]string{}
		for _, m := range token.FindAllStringSubmatch(b[2], -1) {
			colours[m[1]] = m[2]
		}
		if len(colours) > 0 {
			themes[strings.TrimSpace(b[1])] = colours
		}
	}
	light, dark, media := themes[":root"], themes[":root[data-theme=dark]"], themes[":root:not([data-theme])"]
	if len(light) < 10 || len(dark) != len(light) {
		t.Fatalf("%d tokens in light and %d in dark", len(light), len(dark))
	}
	if fmt.Sprint(dark) != fmt.Sprint(media) {
		t.Errorf("dark by choice and dark by preference differ:\n%v\n%v", dark, media)
	}
	for name, theme := range map[string]map[string]string{"light": light, "dark": dark} {
		for _, pair := range []struct {
			fronts, grounds string
			least           float64
		}{
			{"ink ink2 ink3 client server err", "bg bg2 bg3", 4.5},
			{"on", "client", 4.5},
			{"edge", "bg bg2", 3},
		} {
			for front := range strings.FieldsSeq(pair.fronts) {
				for ground := range strings.FieldsSeq(pair.grounds) {
					if got := contrast(t, theme[front], theme[ground]); got < pair.least {
						t.Errorf("%s: --%s on --%s is %.1f:1, want %.1f", name, front, ground, got, pair.least)
					}
				}
			}
		}
	}
}

// contrast is WCAG's ratio of two colours.
func contrast(t *testing.T, a, b string) float64 {
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		if len(colour) != 7 {
			t.Fatalf("%q is no colour", colour)
		}
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
