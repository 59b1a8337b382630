import { Button } from "@mantine/core";
import { IconMapQuestion } from "@tabler/icons-react";
import { EmptyState } from "@klapka/kit/ui";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

/** An address nobody lives at. */
export function NotFoundPage() {
  const { t } = useTranslation("app");
  return (
    <main>
      <EmptyState
        icon={<IconMapQuestion size={30} />}
        order={1}
        title={t("shell.notFound")}
        action={
          <Button component={Link} to="/" variant="light">
            {t("nav.people")}
          </Button>
        }
      />
    </main>
  );
}
