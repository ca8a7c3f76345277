package e2e

import (
	"context"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// chromium is a headless Chromium with a fresh profile.
type chromium struct {
	t        *testing.T
	ctx      context.Context
	end      func() error // waits for the process; chromedp takes it only once
	pictures string       // folder of the screenshots
	console  iter.Seq2[chromedp.ConsoleMessage, error]
}

// newChromium starts a browser that ends with the test.
func newChromium(t *testing.T) *chromium {
	t.Helper()
	c := &chromium{t: t, pictures: os.Getenv("SALLYPORT_SCREENSHOTS")}
	if c.pictures == "" {
		c.pictures = t.TempDir()
	}
	if err := os.MkdirAll(c.pictures, 0o755); err != nil {
		t.Fatal(err)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1100, 900),
		// Nothing but the pages under test may go through the network.
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
	)
	allocator, stopAllocator := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	ctx, stop := chromedp.NewContext(allocator)
	c.ctx = ctx
	c.end = sync.OnceValue(func() error { return chromedp.Cancel(ctx) })
	t.Cleanup(func() {
		_ = c.end() // there is nothing to do about one that is gone
		stop()
		stopAllocator()
	})
	// The first call starts the process and binds it to its context, so it has no deadline.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting Chromium, which `make test` installs: %v", err)
	}
	c.console = chromedp.Console(ctx)
	return c
}

// run runs one action within patience, and fails the test saying where it
// stopped.
func run[T any](c *chromium, what string, action chromedp.Action[T]) T {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		last, stop := context.WithTimeout(c.ctx, time.Second)
		defer stop()
		at, _ := chromedp.Run(last, chromedp.Location())
		text, _ := chromedp.Run(last, chromedp.Text(chromedp.CSS("body")))
		c.t.Fatalf("%s: %v\nat %s:\n%s", what, err, at, text)
	}
	return value
}

// open goes to an address and waits until selector is on the page.
func (c *chromium) open(address, selector string) {
	c.t.Helper()
	run(c, "opening "+address+" for "+selector, chromedp.Steps(chromedp.Navigate(address), chromedp.WaitVisible(chromedp.CSS(selector))))
}

// click clicks what selector matches, then waits until next is on the page.
func (c *chromium) click(selector, next string) {
	c.t.Helper()
	run(c, "clicking "+selector+" for "+next, chromedp.Steps(
		chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible), chromedp.WaitVisible(chromedp.CSS(next))))
}

// text returns the text of the first element that selector matches.
func (c *chromium) text(selector string) string {
	c.t.Helper()
	return run(c, "reading "+selector, chromedp.Text(chromedp.CSS(selector)))
}

// evaluate runs a script in the page.
func (c *chromium) evaluate(script string) {
	c.t.Helper()
	run(c, "running a script", chromedp.Evaluate[string]("String("+script+")"))
}

// location is the address bar.
func (c *chromium) location() string {
	c.t.Helper()
	return run(c, "reading the address", chromedp.Location())
}

// eventually polls a script's value in the page until ok accepts it.
func (c *chromium) eventually(what, script string, ok func(string) bool) {
	c.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		value := run(c, "asking for "+what, chromedp.Evaluate[string]("String("+script+")"))
		if ok(value) {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s is still %q", what, value)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// picture keeps the whole page as it looks by day, by night and on a phone.
func (c *chromium) picture(name string) {
	c.t.Helper()
	c.snap(name+"-day", "light")
	c.snap(name+"-night", "dark")
	run(c, "becoming a phone", chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile))
	c.snap(name+"-phone", "light")
	run(c, "becoming a desktop", chromedp.EmulateViewport(1100, 900))
}

func (c *chromium) snap(name, scheme string) {
	c.t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(c.ctx, emulation.SetEmulatedMedia, media); err != nil {
		c.t.Fatalf("preferring %s: %v", scheme, err)
	}
	png := run(c, "taking a picture of "+name, chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(c.pictures, name+".png"), png, 0o600); err != nil {
		c.t.Error(err)
	}
}

// noProblems ends the browser and fails the test if a script had failed or a
// page had violated its own policy.
func (c *chromium) noProblems() {
	c.t.Helper()
	if err := c.end(); err != nil {
		c.t.Error(err)
	}
	for m, err := range c.console {
		if err != nil {
			break // the browser has ended: everything was read
		}
		if m.IsException() || strings.Contains(m.Text, "Content Security Policy") {
			c.t.Error("in the browser's console: ", m)
		}
	}
}
