import { onlineManager, useQuery } from "@tanstack/react-query";
import { Outlet, useParams } from "@tanstack/react-router";
import { HardDrive, WifiOff } from "lucide-react";
import { lazy, Suspense, useState, useSyncExternalStore } from "react";
import { session } from "../../api/queries.ts";
import { ProjectContext } from "../content/project.ts";
import { useKeys } from "../keys.ts";
import { BottomBar, Rail } from "./rail.tsx";
import { useKeepList } from "./rooms.ts";

const Palette = lazy(() => import("./palette.tsx"));
const KeyHelp = lazy(() => import("./key-help.tsx"));

function OfflineBar() {
  const isReached = useSyncExternalStore(onlineManager.subscribe, () => onlineManager.isOnline());
  if (isReached) return null;
  return (
    <p
      role="status"
      className="flex min-h-7 items-center justify-center gap-2 bg-amber-soft px-3 text-12 text-amber"
    >
      <WifiOff size={13} className="shrink-0" aria-hidden="true" /> The server does not answer. What is loaded
      stays readable; the rest follows when it is back.
    </p>
  );
}

/** How often the page asks whether the server has something to say to everybody, in milliseconds. */
const NOTICE_EVERY_MS = 60_000;

function NoticeBar() {
  const { data } = useQuery({ ...session, refetchInterval: NOTICE_EVERY_MS });
  if (!data?.notice) return null;
  return (
    <p
      role="status"
      className="flex min-h-7 items-center justify-center gap-2 bg-amber-soft px-3 py-1 text-12 text-amber"
    >
      <HardDrive size={13} className="shrink-0" aria-hidden="true" />
      <span>{sentence(data.notice)}</span>
    </p>
  );
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** Rail, page, bottom bar, and what opens over them. */
export function Frame() {
  const { projectId } = useParams({ strict: false }) as { projectId: string };
  useKeepList(projectId);
  const [overlay, setOverlay] = useState<"palette" | "keys" | null>(null);
  const close = () => setOverlay(null);
  useKeys({
    "mod+k": () => setOverlay(overlay === "palette" ? null : "palette"),
    "?": () => setOverlay("keys"),
  });
  const openPalette = () => setOverlay("palette");
  return (
    <ProjectContext value={projectId}>
      <div className="flex h-dvh flex-col md:flex-row">
        <Rail projectId={projectId} openPalette={openPalette} />
        <div className="flex min-h-0 min-w-0 flex-1 flex-col">
          <OfflineBar />
          <NoticeBar />
          <main className="relative flex min-h-0 flex-1 flex-col">
            <Outlet />
          </main>
        </div>
        <BottomBar projectId={projectId} openPalette={openPalette} />
        <Suspense>
          {overlay === "palette" && <Palette projectId={projectId} close={close} />}
          {overlay === "keys" && <KeyHelp close={close} />}
        </Suspense>
      </div>
    </ProjectContext>
  );
}
