import { useQuery } from "@tanstack/react-query";
import { firstPage } from "~/api/queries.ts";
import { Button } from "~/parts/button.tsx";
import { Skeletons } from "~/parts/states.tsx";
import { FirstTrace } from "./first-trace.tsx";

interface NothingProps {
  projectId: string;
  isFiltered: boolean;
  /** Whether the list reaches back to the first trace. */
  isAllTime: boolean;
  searchAllTime: () => void;
  clear: () => void;
  /** The text that is searched for as whole words, if any. */
  words?: string;
  searchPieces: (pieces: string) => void;
}

/** A list without rows: nothing matches, nothing happened in this time, or nothing was ever sent. */
export function Nothing({
  projectId,
  isFiltered,
  isAllTime,
  searchAllTime,
  clear,
  words,
  searchPieces,
}: NothingProps) {
  const ever = useQuery({
    queryKey: ["traces", projectId, "ever"],
    queryFn: () => firstPage(projectId, { range: "all" }),
    enabled: !isFiltered,
  });
  if (!isFiltered && ever.isPending) return <Skeletons />;
  if (!isFiltered && !ever.data?.data.length) return <FirstTrace projectId={projectId} />;
  const when = isAllTime ? "" : " in this time";
  return (
    <div className="px-4 py-10 text-center">
      <p className="text-ink-2">
        {isFiltered ? `No trace matches this filter${when}.` : `No trace arrived${when}.`}
      </p>
      <div className="mt-3 flex flex-wrap justify-center gap-2">
        {words && <Button onClick={() => searchPieces(`*${words}*`)}>Look inside words too</Button>}
        {!isAllTime && (
          <Button onClick={searchAllTime}>{isFiltered ? "Search all time" : "Show all time"}</Button>
        )}
        {isFiltered && <Button onClick={clear}>Clear the filter</Button>}
      </div>
    </div>
  );
}
