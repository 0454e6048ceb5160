import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import {
  CircleUserRound,
  Command,
  LogOut,
  type LucideIcon,
  Moon,
  PanelLeftClose,
  PanelLeftOpen,
  Sun,
  SunMoon,
} from "lucide-react";
import type { ReactNode } from "react";
import { session } from "../../api/queries.ts";
import { IconButton } from "../button.tsx";
import { useKept } from "../kept.ts";
import { chooseTheme, type Theme, useTheme } from "../theme.ts";
import { type Room, useRoomGroups, useRoomSearch, useRooms } from "./rooms.ts";
import { Chooser } from "./select.tsx";
import { signOut } from "./sign-out.ts";

const THEMES: Record<Theme, { next: Theme; label: string; icon: LucideIcon }> = {
  system: { next: "light", label: "Theme: as the system. Choose light", icon: SunMoon },
  light: { next: "dark", label: "Theme: light. Choose dark", icon: Sun },
  dark: { next: "system", label: "Theme: dark. Follow the system", icon: Moon },
};

export function ThemeSwitch() {
  const { next, label, icon: Icon } = THEMES[useTheme()];
  return (
    <IconButton label={label} onClick={() => chooseTheme(next)}>
      <Icon size={15} />
    </IconButton>
  );
}

export function Mark({ size = 18 }: { size?: number }) {
  return <img src="/icon.svg" width={size} height={size} alt="" />;
}

function RoomLink({ room, projectId, isOpen }: { room: Room; projectId: string; isOpen: boolean }) {
  const { icon: Icon, label, to } = room;
  const searchOf = useRoomSearch(projectId);
  return (
    <Link
      to={to}
      params={{ projectId }}
      search={searchOf(to)}
      title={isOpen ? undefined : label}
      activeOptions={{ includeSearch: false }}
      className="flex h-7 items-center gap-2 rounded px-2 text-ink-2 hover:bg-sunken hover:text-ink data-[status=active]:bg-accent-soft data-[status=active]:font-medium data-[status=active]:text-ink"
    >
      <Icon size={15} className="shrink-0" aria-hidden="true" />
      <span className={isOpen ? "" : "sr-only"}>{label}</span>
    </Link>
  );
}

function ProjectSwitcher({ projectId }: { projectId: string }) {
  const { data } = useQuery(session);
  const navigate = useNavigate();
  const choices = (data?.projects ?? []).map(({ id, name }) => ({ id, label: name }));
  return (
    <Chooser
      label="Project"
      isWide
      choices={choices}
      value={projectId}
      onChange={(next) => navigate({ to: "/project/$projectId/traces", params: { projectId: next } })}
    />
  );
}

interface RailProps {
  projectId: string;
  openPalette: () => void;
}

export function Rail({ projectId, openPalette }: RailProps) {
  const [isOpen, setOpen] = useKept("rail.open", true);
  const navigate = useNavigate();
  const groups = useRoomGroups(projectId);
  return (
    <nav
      aria-label="Rooms"
      className={`hidden h-full shrink-0 flex-col border-r border-line bg-panel md:flex ${isOpen ? "w-52" : "w-12"}`}
    >
      <div className="flex h-12 items-center gap-2 px-3">
        <Mark />
        {isOpen && <span className="flex-1 text-14 font-semibold">Sightline</span>}
      </div>
      {isOpen && (
        <div className="px-2 pb-2">
          <ProjectSwitcher projectId={projectId} />
        </div>
      )}
      <div className="flex-1 space-y-3 overflow-y-auto px-2 pt-1">
        {groups.map((group) => (
          <RailGroup key={group.label ?? "top"} label={isOpen ? group.label : null}>
            {group.rooms.map((room) => (
              <RoomLink key={room.to} room={room} projectId={projectId} isOpen={isOpen} />
            ))}
          </RailGroup>
        ))}
      </div>
      <div className={`flex gap-0.5 border-t border-line p-2 ${isOpen ? "" : "flex-col"}`}>
        <IconButton label={isOpen ? "Close the rail" : "Open the rail"} onClick={() => setOpen(!isOpen)}>
          {isOpen ? <PanelLeftClose size={15} /> : <PanelLeftOpen size={15} />}
        </IconButton>
        <IconButton label="Commands" keys="Ctrl K" onClick={openPalette}>
          <Command size={15} />
        </IconButton>
        <ThemeSwitch />
        <span className="flex-1" />
        <IconButton label="My account" onClick={() => navigate({ to: "/account" })}>
          <CircleUserRound size={15} />
        </IconButton>
        <IconButton label="Sign out" onClick={signOut}>
          <LogOut size={15} />
        </IconButton>
      </div>
    </nav>
  );
}

function RailGroup({ label, children }: { label: string | null; children: ReactNode }) {
  return (
    <div>
      {label && <p className="px-2 pb-1 text-12 text-ink-3">{label}</p>}
      <div className="space-y-px">{children}</div>
    </div>
  );
}

/** The rail on a narrow screen. */
export function BottomBar({ projectId, openPalette }: RailProps) {
  const searchOf = useRoomSearch(projectId);
  const rooms = useRooms(projectId);
  const item =
    "flex flex-1 flex-col items-center justify-center gap-0.5 text-12 text-ink-2 data-[status=active]:text-accent";
  return (
    <nav aria-label="Rooms" className="flex h-14 shrink-0 border-t border-line bg-panel md:hidden">
      {rooms.map(({ to, label, icon: Icon }) => (
        <Link
          key={to}
          to={to}
          params={{ projectId }}
          search={searchOf(to)}
          activeOptions={{ includeSearch: false }}
          className={item}
        >
          <Icon size={18} aria-hidden="true" />
          {label}
        </Link>
      ))}
      <button type="button" onClick={openPalette} className={item}>
        <Command size={18} aria-hidden="true" />
        Commands
      </button>
    </nav>
  );
}
