package route

import (
	"testing"
)

func TestInternal(t *testing.T) {
	plan := Plan{
		IsExtension: func(n string) bool { return n == "101" || n == "anna" },
		Codes:       DefaultCodes(),
	}
	for dialled, want := range map[string]string{
		"101":         "extension:101",
		"1-01":        "extension:101",
		" (1) 01 ":    "extension:101",
		"1\u00a001":   "extension:101",
		"*43":         "echo:",
		"102":         "announcement:not_in_service",
		"":            "announcement:not_in_service",
		"   ":         "announcement:not_in_service",
		"101a":        "announcement:not_in_service",
		"anna":        "extension:anna",
		"an-na":       "announcement:not_in_service",
		"*4":          "announcement:not_in_service",
		"*43;phone=1": "announcement:not_in_service",
	} {
		if got := plan.Internal(dialled); got.String() != want {
			t.Errorf("%q leads to %v, want %s", dialled, got, want)
		}
	}
}
