import type { User } from "@klapka/kit/api";
import { LanguageSelect, PersonAvatar, SchemeSelect } from "@klapka/kit/ui";
import { Button, Popover, Stack, Text, UnstyledButton } from "@mantine/core";
import { IconArrowBackUp } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

/** Who administers, how the portal looks, and the way back to the client. */
export function UserMenu({ user }: { user: User }) {
  const { t } = useTranslation("admin");
  return (
    <Popover position="bottom-end" withinPortal={false} shadow="md" trapFocus>
      <Popover.Target>
        <UnstyledButton aria-label={t("shell.account", { name: user.name })}>
          <PersonAvatar name={user.name} size={34} />
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown aria-label={user.name}>
        <Stack gap="sm">
          <Text fw={600}>{user.name}</Text>
          <LanguageSelect />
          <SchemeSelect compact />
          <Button
            component="a"
            href="/"
            variant="light"
            leftSection={<IconArrowBackUp size={18} aria-hidden />}
          >
            {t("shell.client")}
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
