//go:build browser

package results

import (
	"os"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

func TestZZ(t *testing.T) {
	b, err := Open("/tmp/real")
	require.NoError(t, err)
	t.Log(b.Notes, len(b.History))
	require.NoError(t, b.WriteReport())
	p := openReport(t, b, look{width: 1280, height: 900, scheme: "light"})
	t.Logf("%+v", p.drawn())
	full, err := chromedp.Run(p, chromedp.FullScreenshot(100))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("/tmp/real/full.png", full, 0o644))
	chromedp.Do(p, chromedp.KeyEvent("n"))
	chromedp.Do(p, chromedp.ScrollIntoView(chromedp.CSS("#keys")))
	p.requireQuiet()
	png, _ := chromedp.Run(p, chromedp.CaptureScreenshot())
	os.WriteFile("/tmp/real/n.png", png, 0o644)
}
