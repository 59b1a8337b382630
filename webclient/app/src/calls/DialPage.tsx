import { Box, Paper, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { DialPad } from "./DialPad.tsx";

/** The dial pad as a page, for screens without room for the dock. */
export function DialPage() {
  const { t } = useTranslation("app");
  return (
    <Box maw={360} mx="auto">
      <Title order={1} size="h2" mb="md">
        {t("nav.dial")}
      </Title>
      <Paper withBorder p="md">
        <DialPad />
      </Paper>
    </Box>
  );
}
