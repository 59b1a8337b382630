import { SegmentedControl, Select, useMantineColorScheme, VisuallyHidden } from "@mantine/core";
import { IconDeviceDesktop, IconMoon, IconSun } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { languages, setLanguage, type Language } from "../i18n/i18n.ts";
import { useLanguage } from "../i18n/useLanguage.ts";
import classes from "./LookMenu.module.css";

/** Each language by its own name, so that it is found without reading another. */
const ownNames: Record<Language, string> = { en: "English", de: "Deutsch", cs: "Čeština" };

/** Chooses the language; onPick is told, so that the server can be. */
export function LanguageSelect({
  onPick,
  label,
}: {
  onPick?: (l: Language) => void;
  label?: string;
}) {
  const { t } = useTranslation("kit");
  const language = useLanguage();
  const pick = (value: string | null) => {
    const chosen = languages.find((l) => l === value);
    if (!chosen) return;
    void setLanguage(chosen);
    onPick?.(chosen);
  };
  return (
    <Select
      label={label}
      aria-label={label ? undefined : t("look.language")}
      data={languages.map((l) => ({ value: l, label: ownNames[l] }))}
      value={language}
      onChange={pick}
      allowDeselect={false}
      checkIconPosition="right"
      w={label ? 220 : 150}
    />
  );
}

const schemes = [
  { value: "auto", icon: IconDeviceDesktop },
  { value: "light", icon: IconSun },
  { value: "dark", icon: IconMoon },
] as const;

/** Chooses light, dark, or as the system has it; compact shows signs without words. */
export function SchemeSelect({ compact = false }: { compact?: boolean }) {
  const { t } = useTranslation("kit");
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <SegmentedControl
      aria-label={t("look.scheme")}
      value={colorScheme}
      onChange={(value) => setColorScheme(value)}
      data={schemes.map(({ value, icon: Icon }) => ({
        value,
        label: (
          <span className={classes.option} title={compact ? t(`look.${value}`) : undefined}>
            <Icon size={16} aria-hidden />
            {compact ? <VisuallyHidden>{t(`look.${value}`)}</VisuallyHidden> : t(`look.${value}`)}
          </span>
        ),
      }))}
    />
  );
}
