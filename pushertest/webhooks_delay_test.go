package pushertest

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestWithWebhookDelay_SeveralDepartures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, app := newWebhookApp(t, accept, WithWebhookDelay(3*time.Second))
		a, b := occupy(t, s, "a"), occupy(t, s, "b")
		app.reset()
		a.Close()
		time.Sleep(time.Second)
		b.Close()
		time.Sleep(2*time.Second - 1)
		app.expect()
		time.Sleep(time.Nanosecond)
		app.expect("channel_vacated a")
		time.Sleep(time.Second - 1)
		app.expect("channel_vacated a")
		time.Sleep(time.Nanosecond)
		app.expect("channel_vacated a", "channel_vacated b")

		occupy(t, s, "a").Close() // the timer is started again
		time.Sleep(3 * time.Second)
		app.expect("channel_vacated a", "channel_vacated b", "channel_occupied a", "channel_vacated a")
	})
}

func TestWithWebhookDelay_Return(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, app := newWebhookApp(t, accept, WithWebhookDelay(3*time.Second))
		ada := occupy(t, s, "presence-x", AsMember("ada", nil))
		grace := occupy(t, s, "presence-x", AsMember("grace", nil))
		app.reset()
		ada.Close()
		time.Sleep(time.Second)
		grace.Close() // vacates the channel
		time.Sleep(time.Second)
		ada = occupy(t, s, "presence-x", AsMember("ada", nil))
		time.Sleep(time.Minute)
		app.expect("member_removed presence-x grace")

		ada.Close()
		time.Sleep(time.Minute)
		app.expect("member_removed presence-x grace", "member_removed presence-x ada", "channel_vacated presence-x")
	})
}
