import { useQuery } from "@tanstack/react-query";
import { firstPage } from "~/api/queries.ts";
import { Button } from "~/parts/button.tsx";
import { Skeletons } from "~/parts/states.tsx";
import { FirstTrace } from "./first-trace.tsx";

interface NothingProps {
  projectId: string;
  isNarrowed: boolean;
  clear: () => void;
  /** The text that is searched for as whole words, if any. */
  words?: string;
  searchPieces: (pieces: string) => void;
}

/** A list without rows: nothing matches, nothing happened lately, or nothing was ever sent. */
export function Nothing({ projectId, isNarrowed, clear, words, searchPieces }: NothingProps) {
  const ever = useQuery({
    queryKey: ["traces", projectId, "ever"],
    queryFn: () => firstPage(projectId, { range: "all" }),
    enabled: !isNarrowed,
  });
  if (!isNarrowed && ever.isPending) return <Skeletons />;
  if (!isNarrowed && !ever.data?.data.length) return <FirstTrace projectId={projectId} />;
  return (
    <div className="px-4 py-10 text-center">
      <p className="text-ink-2">
        {isNarrowed ? "No trace matches this filter in this time." : "No trace arrived in this time."}
      </p>
      <div className="mt-3 flex justify-center gap-2">
        {words && <Button onClick={() => searchPieces(`*${words}*`)}>Look inside words too</Button>}
        <Button onClick={clear}>{isNarrowed ? "Clear the filter and show all time" : "Show all time"}</Button>
      </div>
    </div>
  );
}
