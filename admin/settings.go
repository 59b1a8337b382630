package admin

import (
	"context"

	"klapka.dev/klapka/pbx"
)

// Settings are the company's own choices.
type Settings struct {
	Company  string       `json:"company"`
	Language pbx.Language `json:"language" enum:"en,de,cs"`
	Realm    string       `json:"realm" doc:"Of SIP accounts; fixed at the first start."`
	Demo     bool         `json:"demo"`
}

// SettingsChange is what is to be changed; what is left out stays.
type SettingsChange struct {
	Company  *string       `json:"company,omitempty" maxLength:"100"`
	Language *pbx.Language `json:"language,omitempty" enum:"en,de,cs"`
}

type settingsOutput struct{ Body Settings }

func settingsOf(s pbx.Settings) *settingsOutput {
	return &settingsOutput{Settings{s.Company, s.Language, s.Realm, s.Demo}}
}

func (a API) getSettings(ctx context.Context, _ *struct{}) (*settingsOutput, error) {
	s, err := a.Store.Settings(ctx)
	return settingsOf(s), err
}

func (a API) changeSettings(ctx context.Context, in *struct{ Body SettingsChange }) (*settingsOutput, error) {
	var s pbx.Settings
	err := a.Store.Within(ctx, func(tx pbx.People) (err error) {
		if s, err = tx.Settings(ctx); err != nil {
			return err
		}
		set(&s.Company, in.Body.Company)
		set(&s.Language, in.Body.Language)
		if err := s.Validate(); err != nil {
			return err
		}
		return tx.SaveSettings(ctx, s)
	})
	if err != nil {
		return nil, err
	}
	a.changed(ctx)
	return settingsOf(s), nil
}
