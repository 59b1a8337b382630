package store

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"klapka.dev/klapka/pbx"
)

// settingsID is the key of the only row there is.
const settingsID = 1

type settingsRow struct {
	ID       int `gorm:"primaryKey;autoIncrement:false"`
	Company  string
	Realm    string
	Language string
	Demo     bool
}

func (settingsRow) TableName() string { return "settings" }

// Settings implements pbx.SettingsStore; NotFound before the first start.
func (c conn) Settings(ctx context.Context) (pbx.Settings, error) {
	row, err := take[settingsRow](ctx, c, "id = ?", settingsID)
	s := pbx.Settings{Company: row.Company, Realm: row.Realm, Language: pbx.Language(row.Language), Demo: row.Demo}
	return s, missing(err, "nothing is set yet")
}

// SaveSettings implements pbx.SettingsStore. Realm and Demo are those of the
// first call, whatever later ones say.
func (c conn) SaveSettings(ctx context.Context, s pbx.Settings) error {
	if s.Realm == "" { // a later call need not repeat it
		old, err := c.Settings(ctx)
		if err != nil && pbx.CodeOf(err) != pbx.NotFound {
			return err
		}
		s.Realm = old.Realm
	}
	if err := s.Validate(); err != nil {
		return err
	}
	row := settingsRow{ID: settingsID, Company: s.Company, Realm: s.Realm, Language: string(s.Language), Demo: s.Demo}
	return c.run(ctx, func(db *gorm.DB) error {
		return db.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "id"}},
			DoUpdates: clause.AssignmentColumns([]string{"company", "language"}),
		}).Create(&row).Error
	})
}
