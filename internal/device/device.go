// Package device says in a few words which browser and system a User-Agent field
// speaks of, so that people recognise their own.
//
// # Trust
//
// A User-Agent is whatever a client writes. It only chooses among the words of
// this package and never becomes part of an answer, so a page or a terminal that
// shows one shows no text of a stranger. It proves nothing.
package device

import "strings"

// Unknown is what is said of a text that names neither browser nor system.
const Unknown = "Unknown device"

// sign is a part of a User-Agent and what it means.
type sign struct{ text, means string }

// browsers are in the order in which they are looked for: nearly all of them call
// themselves Chrome and Safari, too, and say who they are beside that.
var browsers = [...]sign{
	{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"EdgiOS/", "Edge"}, {"Edge/", "Edge"},
	{"OPR/", "Opera"}, {"OPT/", "Opera"}, {"OPiOS/", "Opera"}, {"Opera/", "Opera"},
	{"SamsungBrowser/", "Samsung Internet"}, {"Vivaldi/", "Vivaldi"}, {"YaBrowser/", "Yandex Browser"},
	{"DuckDuckGo/", "DuckDuckGo"}, {"Ddg/", "DuckDuckGo"}, {"UCBrowser/", "UC Browser"}, {"MiuiBrowser/", "Mi Browser"},
	{"HuaweiBrowser/", "Huawei Browser"}, {"Silk/", "Silk"}, {"Epiphany/", "GNOME Web"},
	{"Electron/", "Desktop app"}, {"; wv)", "App"},
	{"Seamonkey/", "SeaMonkey"}, {"FxiOS/", "Firefox"}, {"Focus/", "Firefox Focus"}, {"Firefox/", "Firefox"},
	{"CriOS/", "Chrome"}, {"GSA/", "Google app"}, {"HeadlessChrome/", "Headless Chrome"}, {"Chromium/", "Chromium"},
	{"Chrome/", "Chrome"}, {"Trident/", "Internet Explorer"}, {"MSIE ", "Internet Explorer"},
	{"Safari/", "Safari"}, {"AppleWebKit/", "App"},
}

// programs name themselves first and nothing else.
var programs = [...]sign{
	{"curl/", "curl"}, {"Wget/", "Wget"}, {"Go-http-client/", "Go program"}, {"python-requests/", "Python program"},
	{"python-httpx/", "Python program"}, {"Python-urllib/", "Python program"}, {"Java/", "Java program"},
	{"okhttp/", "Android app"}, {"PostmanRuntime/", "Postman"}, {"node", "Node.js program"},
}

// systems, too, are in the order in which they are looked for: Android calls itself
// Linux, and Windows Phone both.
var systems = [...]sign{
	{"Windows Phone", "Windows Phone"}, {"Windows", "Windows"},
	{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"iPod", "iPod"},
	{"Android", "Android"}, {"Macintosh", "macOS"}, {"Mac OS X", "macOS"},
	{"CrOS", "ChromeOS"}, {"FreeBSD", "FreeBSD"}, {"OpenBSD", "OpenBSD"}, {"NetBSD", "NetBSD"},
	{"PlayStation", "PlayStation"}, {"Linux", "Linux"}, {"X11", "Linux"},
}

// Describe returns words such as "Firefox on Windows", or Unknown. What a browser
// hides cannot be told: Brave calls itself Chrome, and an iPad a Mac.
func Describe(userAgent string) string {
	for _, p := range programs {
		if strings.HasPrefix(userAgent, p.text) {
			return p.means
		}
	}
	browser, system := first(browsers[:], userAgent), first(systems[:], userAgent)
	switch {
	case browser == "" && system == "":
		return Unknown
	case browser == "":
		return "Browser on " + system
	case system == "":
		return browser
	}
	return browser + " on " + system
}

// Handheld reports whether a User-Agent speaks of a phone or a tablet.
func Handheld(userAgent string) bool {
	switch first(systems[:], userAgent) {
	case "iPhone", "iPad", "iPod", "Android", "Windows Phone":
		return true
	}
	return false
}

// first returns the meaning of the first sign that is there.
func first(signs []sign, text string) string {
	for _, s := range signs {
		if strings.Contains(text, s.text) {
			return s.means
		}
	}
	return ""
}
