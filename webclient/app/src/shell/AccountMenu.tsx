import { Group, Menu, Text, UnstyledButton } from "@mantine/core";
import { IconAdjustments, IconChevronDown, IconKeyboard, IconLogout } from "@tabler/icons-react";
import { PersonAvatar } from "@klapka/kit/ui";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../me.ts";
import { useSignOut } from "../entry/signOut.ts";
import { KeysHelp } from "./KeysHelp.tsx";

/** Who is signed in, and what concerns the account (Y-84). */
export function AccountMenu() {
  const { t } = useTranslation("app");
  const { user, extension } = useMe();
  const [help, setHelp] = useState(false);
  const navigate = useNavigate();
  const signOut = useSignOut();
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <UnstyledButton aria-label={t("account.menu", { name: user.name })}>
            <Group gap={8} wrap="nowrap">
              <PersonAvatar name={user.name} size={36} />
              <div>
                <Text size="sm" fw={600} lh={1.2} visibleFrom="md">
                  {user.name}
                </Text>
                <Text size="xs" c="dimmed" visibleFrom="md" className="k-digits">
                  {extension?.number ?? t("account.noExtension")}
                </Text>
              </div>
              <IconChevronDown size={16} aria-hidden />
            </Group>
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<IconAdjustments size={18} aria-hidden />}
            onClick={() => void navigate({ to: "/settings" })}
          >
            {t("nav.settings")}
          </Menu.Item>
          <Menu.Item
            leftSection={<IconKeyboard size={18} aria-hidden />}
            onClick={() => setHelp(true)}
          >
            {t("account.keys")}
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item
            leftSection={<IconLogout size={18} aria-hidden />}
            onClick={() => void signOut()}
          >
            {t("account.signOut")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <KeysHelp opened={help} onOpen={() => setHelp(true)} onClose={() => setHelp(false)} />
    </>
  );
}
